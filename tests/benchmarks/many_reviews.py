"""A million reviews, put into PostgreSQL as the store would have written them, in minutes instead of days.

One in ten still waits, the oldest for weeks; the rest is history of two years. Each failed one to three
provisions; two hundred agencies ask, one of them every third request; fifty people look after some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from gatekeeper.store.tables import metadata

AGENCIES = 200
STAFF = 50

_STEPS = """
INSERT INTO agencies (id, name, kind, status, has_287g, contacts)
SELECT 'bench-agency-' || n, 'Sample agency ' || n, 'local', 'active', false, '[]'
  FROM generate_series(1, %(agencies)s) n;
INSERT INTO staff (id, username, name, role, status, password_hash, totp_box)
SELECT 'bench-staff-' || n, 'clerk.' || n, 'Sample clerk ' || n, 'records', 'active', '-', '\\x00'
  FROM generate_series(1, %(staff)s) n;
CREATE TEMPORARY TABLE made AS
SELECT n,
       'q_' || translate(substr(md5('bench' || n), 1, 26), '01890', 'ghjkm') AS query_id,
       'bench-agency-' || CASE WHEN n %% 3 = 0 THEN 1 ELSE 1 + n::bigint * 7919 %% %(agencies)s END
         AS agency_id,
       (ARRAY['stolen_vehicle', 'criminal_investigation', 'wanted_person', 'human_trafficking',
              'missing_or_endangered_person'])[CASE WHEN n %% 97 = 0 THEN 5 ELSE 1 + n %% 4 END] AS category,
       CASE WHEN n %% 10 = 0 THEN (ARRAY['queued', 'queued', 'queued', 'needs_information', 'escalated'])
                                  [1 + n / 10 %% 5]
            ELSE (ARRAY['upheld', 'upheld', 'upheld', 'permitted', 'withdrawn', 'expired'])[1 + n %% 6]
       END AS state,
       CASE WHEN n %% 5 = 0 THEN 'counsel' ELSE 'staff' END AS level,
       CASE WHEN n %% 10 = 0 AND n / 10 %% 5 < 3 THEN ''
            ELSE 'bench-staff-' || 1 + n * 31 %% %(staff)s END AS assignee,
       now() - CASE WHEN n %% 10 = 0 THEN interval '30 days' ELSE interval '700 days' END
             * (n::bigint * 7907 %% 1000003) / 1000003.0 AS queued_at,
       (%(codes)s::text[])[1 + n %% %(count)s : 1 + n %% %(count)s + n / 7 %% 3] AS codes
  FROM generate_series(1, %(reviews)s) n;
INSERT INTO queries (query_id, agency_id, client_id, hour, kind, category, outcome, review, dry_run,
                     policy_revision, target_fp, officer_fp, body_fp, fp_day)
SELECT query_id, agency_id, %(client)s, to_char(queued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24"Z"'),
       'plate', category, 'deny', level, false, '2026-01+bench', sha256(('t' || n / 3)::bytea),
       sha256(('o' || n / 9)::bytea), sha256(('b' || n)::bytea), queued_at::date
  FROM made;
INSERT INTO reviews (query_id, agency_id, state, level, provisions, queued_at, due_at, version, assignee)
SELECT query_id, agency_id, state, level, array_to_json(codes)::text, queued_at,
       queued_at + interval '72 hours', CASE WHEN state = 'queued' THEN 1 ELSE 2 END, nullif(assignee, '')
  FROM made;
INSERT INTO review_events (query_id, version, ref, event, state, at, actor)
SELECT query_id, 1, query_id, 'review.queued', 'queued', queued_at, 'gatekeeper' FROM made
 UNION ALL
SELECT query_id, 2, query_id, 'review.ruled', state, queued_at + interval '1 hour', 'bench-staff-1'
  FROM made WHERE state <> 'queued';
INSERT INTO review_places (query_id, provision, agency_id, category, state, level, assignee, urgency, due_at,
                           queued_at, moved_at)
SELECT query_id, code, agency_id, category, state, level, assignee,
       CASE category WHEN 'missing_or_endangered_person' THEN 0 ELSE 1 END,
       queued_at + interval '72 hours', queued_at,
       queued_at + CASE state WHEN 'queued' THEN interval '0' ELSE interval '1 hour' END
  FROM made, unnest(array_prepend('', codes)) AS code"""

_FILLED = ("queries", "reviews", "review_events", "review_places")


def fill(url: str, reviews: int, codes: Sequence[str], client_id: str) -> list[str]:
    """Put that many reviews into the database; return some of their ids.

    The indexes are made when all rows are there, and foreign keys are not checked row by row: both take ten
    times as long otherwise. The triggers that keep evidence stay on.
    """
    indexes = [index for name in _FILLED for index in metadata.tables[name].indexes]
    values = {
        "agencies": AGENCIES,
        "staff": STAFF,
        "reviews": reviews,
        "codes": [*codes, *codes[:2]],
        "count": len(codes),
        "client": client_id,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        made = [_definition(connection, index.name) for index in indexes]
        for index in indexes:
            connection.execute(f'DROP INDEX "{index.name}"'.encode())
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '1GB'")
        # One by one: the driver sends no two statements at once when they have values.
        for step in _STEPS.split(";\n"):
            connection.execute(step.encode(), values)
        for definition in made:
            connection.execute(definition.encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
        rows = connection.execute("SELECT query_id FROM made ORDER BY random() LIMIT 500").fetchall()
    return [row[0] for row in rows]


def _definition(connection: psycopg.Connection[Any], name: str | None) -> str:
    found = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name]).fetchone()
    if found is None:
        raise RuntimeError(f"there is no index {name}")
    return str(found[0])
