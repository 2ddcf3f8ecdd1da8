-- Who may do what, on PostgreSQL. Run it as a superuser or as the owner with CREATEROLE, in the gatekeeper's
-- database, after every `gatekeeper init` (it may be run again at any time):
--
--   createuser --pwprompt gatekeeper_owner && createdb --owner gatekeeper_owner gatekeeper
--   GATEKEEPER_DATABASE_URL=postgresql://gatekeeper_owner@…/gatekeeper gatekeeper init
--   psql --dbname gatekeeper --file deploy/roles.sql
--   createuser --pwprompt gatekeeper_web && psql -c 'GRANT gatekeeper_app TO gatekeeper_web'
--
-- The service logs in as a member of gatekeeper_app and of nothing else. It cannot change, remove or truncate
-- evidence, cannot switch a trigger off and cannot alter a table. The owner can: keep that login out of the
-- service, and use it for migrations alone.

DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'gatekeeper_app') THEN
    CREATE ROLE gatekeeper_app NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
END $$;

-- Start from nothing, so that a right that was once given by mistake does not stay.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, gatekeeper_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, gatekeeper_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, gatekeeper_app;
GRANT USAGE ON SCHEMA public TO gatekeeper_app;

-- Evidence: read and appended.
GRANT SELECT, INSERT ON
  ledger_entries, ledger_tiles, ledger_checkpoints, published_checkpoints, queries, review_events, verifications,
  samples, sample_marks, revision_trees, revision_results, revision_approvals,
  signed_documents
  TO gatekeeper_app;

-- What expires: also removed.
GRANT SELECT, INSERT, DELETE ON
  private_details, documents, held_boxes, idempotency_keys, marks, revoked_tokens, jti_seen, recovery_codes, provider_sign_ins
  TO gatekeeper_app;

-- The registry and the reviews: changed column by column, never removed.
GRANT SELECT, INSERT ON agencies, affirmations, clients, client_keys, stops, issuers, officer_suspensions, reviews, settings TO gatekeeper_app;
GRANT SELECT, INSERT ON review_places TO gatekeeper_app;
GRANT UPDATE (ori, name, kind, state, status, has_287g, contacts, source_287g, looked_up_287g) ON agencies TO gatekeeper_app;
GRANT UPDATE (expires_on, reminded_days) ON affirmations TO gatekeeper_app;
GRANT UPDATE (status) ON clients TO gatekeeper_app;
GRANT UPDATE (status) ON client_keys TO gatekeeper_app;
GRANT UPDATE (lifted_at) ON stops TO gatekeeper_app;
GRANT UPDATE (url, status, terms) ON issuers TO gatekeeper_app;
GRANT UPDATE (mark, box, ended_at) ON officer_suspensions TO gatekeeper_app;
GRANT UPDATE (state, level, due_at, provisions, version, assignee) ON reviews TO gatekeeper_app;
GRANT UPDATE (state, level, assignee, due_at, moved_at) ON review_places TO gatekeeper_app;
GRANT UPDATE (value) ON settings TO gatekeeper_app;

-- What agencies are asked to sign, and what one person proposed to another: used, revoked or decided once.
GRANT SELECT, INSERT ON affirmation_invitations, agency_proposals TO gatekeeper_app;
GRANT UPDATE (used_at, revoked_at) ON affirmation_invitations TO gatekeeper_app;
GRANT UPDATE (state, decided_by, decided_at) ON agency_proposals TO gatekeeper_app;

-- Legal holds and erasures: kept; a hold is lifted once, an erasure ends once.
GRANT SELECT, INSERT ON legal_holds, purges TO gatekeeper_app;
GRANT UPDATE (lifted_at) ON legal_holds TO gatekeeper_app;
GRANT UPDATE (done_at, days, details, documents) ON purges TO gatekeeper_app;

-- The city's staff: accounts are kept, browsers that were signed in are not.
GRANT SELECT, INSERT ON staff, sign_ins, identities TO gatekeeper_app;
GRANT UPDATE (name, role, agency_id, status, password_hash, totp_box) ON staff TO gatekeeper_app;
GRANT UPDATE (failures, locked_until, last_step, signed_in_at) ON sign_ins TO gatekeeper_app;
GRANT UPDATE (staff_id) ON identities TO gatekeeper_app;
GRANT SELECT, INSERT, DELETE ON staff_sessions TO gatekeeper_app;
GRANT UPDATE (seen_at, proved_at) ON staff_sessions TO gatekeeper_app;
GRANT SELECT, INSERT, DELETE ON staff_views TO gatekeeper_app;
GRANT UPDATE (name) ON staff_views TO gatekeeper_app;
GRANT SELECT, INSERT, DELETE ON policy_drafts TO gatekeeper_app;
GRANT UPDATE (base, changes, version, changed_at) ON policy_drafts TO gatekeeper_app;

-- The log's own pages: the index is derived and may be made anew, what a check found is kept.
GRANT SELECT, INSERT, DELETE ON ledger_search TO gatekeeper_app;
GRANT SELECT, UPDATE (upto) ON ledger_search_reach TO gatekeeper_app;
GRANT SELECT, INSERT ON ledger_checks TO gatekeeper_app;
GRANT UPDATE (state, beat_at, ended_at, size, place, fault, outcome) ON ledger_checks TO gatekeeper_app;
-- Figures: counted from the log, and emptied when they are counted anew.
GRANT SELECT, INSERT, DELETE ON figures, figure_days, figure_releases TO gatekeeper_app;
GRANT SELECT ON figure_mark TO gatekeeper_app;
GRANT UPDATE (upto, rules) ON figure_mark TO gatekeeper_app;
GRANT UPDATE (number) ON figures TO gatekeeper_app;
GRANT UPDATE (last_entry) ON figure_days TO gatekeeper_app;

-- What was drawn for a sample: kept, and counted how often it was marked.
GRANT SELECT, INSERT ON sample_items TO gatekeeper_app;
GRANT UPDATE (marks) ON sample_items TO gatekeeper_app;

-- The law's own life cycle: texts and approvals are evidence, jobs are not.
GRANT SELECT, INSERT ON revisions TO gatekeeper_app;
GRANT UPDATE (state, effective_at, serial, activated_at, signature, version) ON revisions TO gatekeeper_app;
GRANT SELECT, INSERT, DELETE ON policy_jobs TO gatekeeper_app;
GRANT UPDATE (state, beat_at, ended_at, place, size, progress, fault) ON policy_jobs TO gatekeeper_app;

-- What a candidate would have decided beside the law.
GRANT SELECT, INSERT, DELETE ON shadow_counts, shadow_examples TO gatekeeper_app;
GRANT UPDATE (number) ON shadow_counts TO gatekeeper_app;

-- What is used of each limit, and whose address failed to prove a client: both run out by themselves.
GRANT SELECT, INSERT, DELETE ON quota_buckets, failures TO gatekeeper_app;
GRANT UPDATE (used, at_ms) ON quota_buckets TO gatekeeper_app;
GRANT UPDATE (since_ms, number) ON failures TO gatekeeper_app;

-- When the keys of clients were fetched from their agencies.
GRANT SELECT, INSERT, DELETE ON key_sets TO gatekeeper_app;
GRANT UPDATE (tried_ms, fetched_ms, fault) ON key_sets TO gatekeeper_app;

-- Proposed cases of the law: decided once, kept.
GRANT SELECT, INSERT ON proposed_cases TO gatekeeper_app;
GRANT UPDATE (state, decided_at, decided_by) ON proposed_cases TO gatekeeper_app;

-- Who is told of a review's moves: webhooks are kept, notices and their deliveries end.
GRANT SELECT, INSERT ON webhooks TO gatekeeper_app;
GRANT UPDATE (status, box) ON webhooks TO gatekeeper_app;
GRANT SELECT, INSERT, DELETE ON notices, deliveries TO gatekeeper_app;
GRANT UPDATE (spread_at) ON notices TO gatekeeper_app;
GRANT UPDATE (state, attempts, next_at, held_until, last_code, last_at) ON deliveries TO gatekeeper_app;

-- The two single rows: the versions, and how far the log reaches (a trigger lets it only grow).
GRANT SELECT ON registry, ledger_head, alembic_version TO gatekeeper_app;
GRANT UPDATE (version, policy_revision, policy_digest, policy_serial, due_revision, due_ms, shadow_revision) ON registry TO gatekeeper_app;
GRANT UPDATE (size, frontier, at_ms) ON ledger_head TO gatekeeper_app;
