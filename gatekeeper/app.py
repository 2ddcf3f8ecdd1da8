"""Where the parts meet: each collaborator is built once, or the service refuses to start.

``gatekeeper.state`` opens the state and the log; ``build_gate`` adds policy and plate reads; ``create_app``
is the web application of one worker. Nothing here is made before a fork.
"""

from __future__ import annotations

import atexit
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from flask import Flask, Response

from gatekeeper.errors import GatekeeperError, PolicyUnavailable, QuotaExceeded, Unauthenticated
from gatekeeper.exchange import Gate, Law, Laws
from gatekeeper.exchange.authenticate import TokenVerifier
from gatekeeper.exchange.quotas import REVOCATIONS, spend_revocation
from gatekeeper.exchange.reading import MAX_BODY_BYTES
from gatekeeper.exchange.refusals import Refusals
from gatekeeper.ledger import Draft, Json
from gatekeeper.notices import Deliverer, Webhooks
from gatekeeper.notices.announced import Announced
from gatekeeper.notices.delivery import Watch, Way
from gatekeeper.notices.reminders import Reminding
from gatekeeper.notices.told import MAIL
from gatekeeper.oversight.figures import Folding
from gatekeeper.oversight.key_warnings import KeyWarning
from gatekeeper.oversight.sampling import Sampling
from gatekeeper.oversight.search import LogSearch
from gatekeeper.parts import (
    begin_job,
    changing,
    endpoints,
    eraser,
    holds,
    issuer_keys,
    key_sets,
    key_warnings,
    laws_in_force,
    mail,
    open_reads,
    outlook_of,
    retention,
    signing,
    trust,
    untold,
    witnessed_of,
    witnessing,
)
from gatekeeper.policy import Embedded, Engine
from gatekeeper.purge.erase import Done
from gatekeeper.purge.timer import Timer
from gatekeeper.revisions import LawsInForce, Lifecycle, SignedLaw
from gatekeeper.revisions.bench import Bench
from gatekeeper.revisions.beside import Beside
from gatekeeper.revisions.drafts import Drafts
from gatekeeper.revisions.examiner import Examiner
from gatekeeper.settings import Settings
from gatekeeper.state import State, open_state, token_keys
from gatekeeper.store import Documents, administration, reviews, samples
from gatekeeper.store.agency_life import Invitations
from gatekeeper.store.failures import Failures
from gatekeeper.store.figures import Figures
from gatekeeper.store.ledger_search import LedgerSearch
from gatekeeper.store.notice_reading import NoticeReading
from gatekeeper.store.notices import Outbox, reminder_rows
from gatekeeper.store.policy_drafts import PolicyDrafts
from gatekeeper.store.policy_jobs import PolicyJobs
from gatekeeper.store.proposed_cases import ProposedCases
from gatekeeper.store.review_queue import ReviewQueue
from gatekeeper.store.samples import Samples
from gatekeeper.store.shadows import Shadows
from gatekeeper.store.stops import Stops
from gatekeeper.store.views import StaffViews
from gatekeeper.store.waiting import Waiting
from gatekeeper.web import problems, requests
from gatekeeper.web.brake import WINDOW_MS, Brake
from gatekeeper.web.bundles import bundles_blueprint
from gatekeeper.web.console import Desk, LawDesk, Oversight, console_blueprint
from gatekeeper.web.console.affirm import affirm_blueprint
from gatekeeper.web.console.desk import AgencyDesk
from gatekeeper.web.console.provider import Provider
from gatekeeper.web.docs import docs_blueprint
from gatekeeper.web.guesses import Guesses
from gatekeeper.web.health import health_blueprint
from gatekeeper.web.issuer_keys import Fetching
from gatekeeper.web.keys import TokenKeys
from gatekeeper.web.lease import Leased
from gatekeeper.web.ledger import ledger_blueprint
from gatekeeper.web.metrics import (
    NOTICES,
    NOTICES_OLDEST,
    NOTICES_WAITING,
    OVER_QUOTA,
    UNAUTHENTICATED,
    WITNESSES_MISSING,
)
from gatekeeper.web.presented import Presenting, offer_nonces
from gatekeeper.web.published import published_blueprint
from gatekeeper.web.queries import queries_blueprint
from gatekeeper.web.standing import standing_blueprint
from gatekeeper.web.tokens import AuthorizationServerConfig, tokens_blueprint
from gatekeeper.witness.rounds import Outcome
from gatekeeper.witness.witnessing import Witnessed

_log = structlog.get_logger()


def build_gate(state: State, laws: Laws, tokens: TokenKeys) -> Gate:
    """Join the parts that a query passes through. Raises SettingsRefused."""
    settings = state.settings
    return Gate(
        verifier=TokenVerifier(
            settings.issuer,
            settings.issuer,
            tokens,
            state.nonces(),
            profiles=settings.profiles,
            key_source=issuer_keys(state),
        ),
        registry=state.registry,
        queries=state.queries,
        documents=Documents(state.database),
        laws=laws,
        ledger=state.ledger,
        keys=state.keys,
        reads=open_reads(settings),
        clock=state.clock,
        queue_review=reviews.queue,
        move_review=reviews.move,
        officers=state.officer_marks(),
        key_sets=key_sets(state),
    )


def build_beside(state: State) -> Beside:
    """Return what lets a candidate decide beside the law."""
    lifecycle = state.lifecycle()

    def law_of(revision_id: str) -> Law:
        revision = lifecycle.store.get(revision_id)
        if revision is None:
            raise PolicyUnavailable("the candidate is not there")
        return Law.of(Embedded(lifecycle.bundle(revision)))

    return Beside(Shadows(state.database), law_of)


def create_app(settings: Settings) -> Flask:
    """Build one worker's application, or refuse to start.

    Raises SettingsRefused, OperatorError, BundleRefused, LedgerCorrupt or an Unavailable: every part answers
    for itself before the first request.
    """
    requests.configure_logging(settings.log_level)
    state = open_state(settings)
    state.check_log()
    laws = laws_in_force(state)
    tokens = token_keys(settings)
    beside = build_beside(state)
    refusals = Refusals(state.ledger)

    def over(agency_id: str, limits: Sequence[str]) -> None:
        refusals.over(agency_id, limits)
        for limit in limits:
            OVER_QUOTA.labels(limit).inc()

    gate = replace(build_gate(state, laws, tokens), seen=beside.see, over=over)
    _ready(gate.engine)

    def refused(reason: str) -> None:
        refusals.count(reason)
        UNAUTHENTICATED.labels(reason).inc()

    app = application(state, gate, tokens, refused)
    notices = build_deliverer(state)
    if (asking := witnessing(state, _heard)) is not None:
        asking.start()
        atexit.register(asking.close)
    refusals.start()
    folding = Folding(Figures(state.database), state.rows)
    folding.start()
    fetching = Fetching(issuer_keys(state))
    fetching.start()
    laws.start(_told)
    beside.start()
    atexit.register(state.close)
    atexit.register(laws.close)
    atexit.register(beside.close)
    atexit.register(refusals.close)
    atexit.register(folding.close)
    atexit.register(fetching.close)
    notices.start()
    atexit.register(notices.close)
    if settings.retention_days:
        timer = build_timer(state, laws)
        timer.start()
        atexit.register(timer.close)
    return app


def build_timer(state: State, laws: LawsInForce) -> Timer:
    """Return what erases private detail at the end of the city's retention."""
    return Timer(eraser(state), lambda: retention(state, laws), _erased)


def _erased(outcome: GatekeeperError | list[Done]) -> None:
    if isinstance(outcome, GatekeeperError):
        _log.warning("not_erased", code=outcome.code, reason=str(outcome))
        return
    for done in outcome:
        _log.info("erased", purge=done.id, before=str(done.before), entry=done.entry)


def _ready(engine: Engine) -> None:
    """Try the engine. Raises PolicyUnavailable."""
    try:
        engine.ready()
    except PolicyUnavailable as fault:
        if isinstance(engine, Embedded):
            raise
        # An OPA that fetches its law from here has none before we answer. Until then each query is denied.
        _log.warning("opa_not_ready", reason=str(fault))


def _heard(outcome: Outcome) -> None:
    WITNESSES_MISSING.set(len(outcome.missing))
    for name, failure in outcome.missing.items():
        _log.warning("witness_missing", witness=name, kind=failure.kind, reason=failure.reason)


def _told(fault: GatekeeperError) -> None:
    _log.warning("law_not_verified", code=fault.code, reason=str(fault))


def build_deliverer(state: State) -> Deliverer:
    """Join the parts by which agencies are told. Raises SettingsRefused."""
    settings, hooks, reading = state.settings, endpoints(state), NoticeReading(state.database)
    ways: dict[str, Way] = {"webhook": Webhooks(hooks, settings.issuer, trust(settings))}
    if (letters := mail(settings, _city(state))) is not None:
        ways[MAIL] = letters
    remind = Reminding(
        ledger=state.ledger,
        agencies=state.registry.agencies,
        webhooks=hooks.store.all,
        rows=reminder_rows,
        mail=letters is not None,
        now=state.clock.now,
    )

    def observed(now: datetime) -> None:
        waiting, oldest = reading.backlog()
        NOTICES_WAITING.set(waiting)
        NOTICES_OLDEST.set(0 if oldest is None else (now - oldest).total_seconds())

    return Deliverer(
        outbox=Outbox(state.database),
        agency=state.registry.agency,
        endpoints=hooks,
        ways=ways,
        now=state.clock.now,
        watch=Watch(lambda channel, end: NOTICES.labels(channel, end).inc(), observed),
        remind=remind,
    )


def application(state: State, gate: Gate, tokens: TokenKeys, refused: Callable[[str], None]) -> Flask:
    """Return the routes over a gate and its state."""
    app = Flask("gatekeeper", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = True
    # A path has one spelling: the router's own redirect of `//` is made of the Host header, a caller's words.
    app.url_map.merge_slashes = False
    requests.install(app)
    problems.install(app)

    @app.errorhandler(Unauthenticated)
    def unauthenticated(error: Unauthenticated) -> Response:
        refused(error.reason)
        return problems.problem(error)

    offer_nonces(app, gate.verifier.nonces, gate.clock)
    presenting = Presenting(state.settings.issuer, state.proxy())
    stands = witnessed_of(state)

    def warned() -> list[KeyWarning]:
        return key_warnings(state, tokens)

    for blueprint in (
        tokens_blueprint(_authorization(state, gate, tokens, refused), presenting, _brake(state)),
        queries_blueprint(gate, presenting),
        standing_blueprint(gate, presenting, NoticeReading(state.database).places),
        ledger_blueprint(gate, presenting),
        published_blueprint(state.published()),
        health_blueprint(gate, stands, warned),
        docs_blueprint(),
        bundles_blueprint(
            SignedLaw(gate.laws, state.lifecycle()), state.bundle_access(), state.settings.threads
        ),
        console_blueprint(_desk(state.settings, state, gate, stands, warned)),
        affirm_blueprint(
            signing(state, lambda: _city_of(gate)),
            Guesses(state.settings.trusted_proxy, state.settings.forwarded_hops),
            _announced(state),
        ),
    ):
        app.register_blueprint(blueprint)
    app.wsgi_app = Leased(app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way to add middleware
    return app


def _announced(state: State) -> Announced:
    def contacts(agency_id: str) -> tuple[str, ...]:
        found = state.registry.agency(agency_id)
        return () if found is None else found.contacts

    return Announced(mail(state.settings, _city(state)), contacts, state.clock.now)


def _city_of(gate: Gate) -> Mapping[str, Json]:
    """Return the city's settings, of the law in force. Raises PolicyUnavailable, Superseded."""
    city = gate.laws.of(gate.registry.snapshot().state).bundle.data.get("city")
    return city if isinstance(city, dict) else {}


def _desk(
    settings: Settings,
    state: State,
    gate: Gate,
    stands: Callable[[], Witnessed | None],
    warned: Callable[[], Sequence[KeyWarning]] = tuple,
) -> Desk:
    lifecycle = state.lifecycle()
    drafts = Drafts(PolicyDrafts(state.database), lifecycle.store, lifecycle.files, state.clock.now)
    return Desk(
        city=_city(state),
        zone=ZoneInfo(settings.time_zone),
        whole_gate=gate,
        staff=state.staff,
        personnel=state.personnel(),
        identities=state.identities,
        provider=_provider(settings),
        local_sign_in=not settings.oidc_issuer or settings.oidc_local_sign_in,
        reviews=ReviewQueue(state.database),
        cases=ProposedCases(state.database),
        drafts=drafts,
        examiner=Examiner(),
        views=StaffViews(state.database),
        entry=state.rows.entry,
        key=state.staff_key,
        switch=state.switch(),
        stops=Stops(state.database),
        search=LogSearch(state.rows, LedgerSearch(state.database)),
        oversight=Oversight(
            figures=Figures(state.database),
            log=state.rows,
            waiting=Waiting(state.database),
            sampling=Sampling(
                gate=gate,
                figures=Figures(state.database),
                log=state.rows,
                key=state.log_key.verifier,
                store=Samples(state.database),
                draw_rows=samples.draw,
                mark_rows=samples.mark,
            ),
            standing=administration,
            undelivered=NoticeReading(state.database).given_up,
            key_warnings=warned,
        ),
        assign=reviews.assign,
        checks=state.checks(),
        known_by=lambda: state.log_key.verifier,
        witnesses=stands,
        law=_law_desk(settings, state, lifecycle),
        agencies=AgencyDesk(
            signing=signing(state, lambda: _city_of(gate)),
            links=Invitations(state.database),
            changing=changing(state, lambda: _city_of(gate)),
            untold=untold(state),
            base_url=settings.issuer,
        ),
        notices=NoticeReading(state.database),
        holds=holds(state),
        outlook=outlook_of(state),
        try_now=Outbox(state.database).retry,
        bench=Bench(lifecycle.store, lifecycle.files, drafts),
        secure=settings.issuer.startswith("https://"),
    )


def _law_desk(settings: Settings, state: State, lifecycle: Lifecycle) -> LawDesk:
    jobs = PolicyJobs(state.database, state.clock.now)
    return LawDesk(
        revisions=lifecycle.store,
        lifecycle=lifecycle,
        jobs=jobs,
        shadows=Shadows(state.database),
        begin_job=lambda kind, revision, by, options: begin_job(
            settings, jobs, kind, revision, by=by, options=options
        ),
    )


def _provider(settings: Settings) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    return Provider(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        base_url=settings.issuer,
        ca_file=settings.oidc_ca_file or None,
    )


def _city(state: State) -> str:
    return state.log_key.origin.partition("/")[0]


def _brake(state: State) -> Brake | None:
    settings = state.settings
    if not settings.token_failures:
        return None
    return Brake(
        Failures(state.database, WINDOW_MS),
        state.keys,
        state.clock.now_ms,
        most=settings.token_failures,
        proxy=settings.trusted_proxy,
        hops=settings.forwarded_hops,
    )


def _authorization(
    state: State, gate: Gate, tokens: TokenKeys, refused: Callable[[str], None]
) -> AuthorizationServerConfig:
    settings = state.settings

    def revoke(jti: str, client_id: str, agency_id: str, expires_at: datetime) -> None:
        client = state.registry.client(client_id)
        draft = Draft(
            event="credential.token_revoked",
            ref=f"token_{secrets.token_hex(8)}",
            clear={
                "agency": agency_id,
                "client": client_id,
                "profile": "fapi" if client is None else client.profile,
            },
            secret={"jti": jti, "by": client_id},
            detail={},
        )
        spent = spend_revocation(state.clock.now_ms, agency_id, client_id)
        try:
            state.ledger.append(draft, [*administration.revoke_token(jti, expires_at), spent])
        except QuotaExceeded:
            gate.over(agency_id, [REVOCATIONS])
            raise

    return AuthorizationServerConfig(
        issuer=settings.issuer,
        audience=settings.issuer,
        keys=tokens,
        registry=state.registry,
        clock=state.clock,
        refused=refused,
        revoke=revoke,
        nonces=gate.verifier.nonces,
        profiles=settings.profiles,
        mutual_tls=bool(settings.proxy_secret),
        key_sets=key_sets(state),
    )
