"""Policies, engine, plate reads and notices, as the settings choose them; ``gatekeeper.app`` joins them."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from gatekeeper import store
from gatekeeper.errors import SettingsRefused
from gatekeeper.exchange.key_sets import ALG, PREFIX, Changes, revoked
from gatekeeper.exchange.registrations import Client, ClientKey
from gatekeeper.ledger import Draft, Json
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.notices import Endpoints, Mail, MailServer, Reach
from gatekeeper.notices.fetching import Fetching
from gatekeeper.notices.reminders import hindrance
from gatekeeper.oversight.agencies import Reinstating
from gatekeeper.oversight.changing import Changing
from gatekeeper.oversight.closing import Closing
from gatekeeper.oversight.issuers import Issuers
from gatekeeper.oversight.key_warnings import (
    KeyWarning,
    of_client_keys,
    of_issuers,
    of_key_sets,
    of_token_keys,
    unusable,
)
from gatekeeper.oversight.registering import Registering
from gatekeeper.oversight.signable import SHIPPED, Texts
from gatekeeper.oversight.signing import Signing
from gatekeeper.policy import Bundle, Embedded, Engine, load, shipped_policies
from gatekeeper.purge.agreement import Agreement
from gatekeeper.purge.erase import Disk, Purge
from gatekeeper.purge.holds import Holds
from gatekeeper.purge.outlook import Outlook, outlook
from gatekeeper.purge.retention import Retention, law_wants
from gatekeeper.records import ColumnMapping, Reads, SqlReads
from gatekeeper.records.mapping import SAMPLE
from gatekeeper.revisions import LawsInForce
from gatekeeper.revisions.interfaces import Jobs, Kind
from gatekeeper.settings import Settings
from gatekeeper.state import State
from gatekeeper.store import administration, agency_life, erasure
from gatekeeper.store import holds as hold_rows
from gatekeeper.store.key_sets import KeySetTimes
from gatekeeper.store.webhooks import Webhooks
from gatekeeper.web.clients import make_secret
from gatekeeper.web.issuer_keys import IssuerKeys
from gatekeeper.web.key_sets import KeySets
from gatekeeper.web.keys import TokenKeys
from gatekeeper.witness.policy import Policy
from gatekeeper.witness.policy import load as load_witnesses
from gatekeeper.witness.rounds import Outcome, Round
from gatekeeper.witness.witnessing import Witnessed, Witnessing, witnessed

REMEMBERED = 1024
"""Answers of the embedded engine that a worker holds, two kilobytes each: the plates of one case, the pages
of one answer and a repeated request have equal facts."""


def policies_of(settings: Settings) -> Path:
    """Return the directory of policies that the settings name, or that of those which were shipped."""
    return Path(settings.policies) if settings.policies else shipped_policies()


def load_bundle(settings: Settings) -> Bundle:
    """Load the policies that the settings name. Raises BundleRefused naming every fault."""
    return load(policies_of(settings))


def build_engine(settings: Settings, bundle: Bundle) -> Engine:
    """Return the engine that the settings choose, for this bundle."""
    if settings.engine == "opa" or (not settings.engine and settings.opa_url):
        from gatekeeper.policy.opa import OpaServer  # noqa: PLC0415  its client library takes 0.3 s to import

        return OpaServer(bundle, settings.opa_url, timeout=settings.opa_timeout)
    return Embedded(bundle, remembered=REMEMBERED)


def open_reads(settings: Settings) -> Reads:
    """Open the store of plate reads, read-only. Raises SettingsRefused for a mapping that cannot be read."""
    mapping = SAMPLE
    if settings.records_mapping:
        try:
            mapping = ColumnMapping.parse(json.loads(Path(settings.records_mapping).read_text("utf-8")))
        except (OSError, ValueError):
            raise SettingsRefused("GATEKEEPER_RECORDS_MAPPING is not a readable JSON file") from None
    return SqlReads(
        settings.reads_url,
        mapping,
        settings.records_timeout,
        login_cannot_write=settings.records_login_cannot_write,
    )


def endpoints(state: State) -> Endpoints:
    """Return the webhooks of all agencies. Raises SettingsRefused."""
    settings = state.settings
    reach = Reach.parse(settings.webhook_networks, settings.webhook_ports, loopback=settings.on_loopback)
    return Endpoints(state.ledger, Webhooks(state.database), state.notices_key, state.clock.now, reach)


def trust(settings: Settings) -> ssl.SSLContext:
    """Return whose certificates are believed: this machine's authorities, and those of the setting."""
    context = ssl.create_default_context()
    if settings.ca_file:
        try:
            context.load_verify_locations(cafile=settings.ca_file)
        except OSError:  # of which the error of a file without certificates is one
            raise SettingsRefused("GATEKEEPER_CA_FILE is not a readable PEM file of certificates") from None
    return context


def _thumbprints(kids: Iterable[str]) -> list[Json]:
    return [*sorted(kid.removeprefix(PREFIX) for kid in kids)]


def key_sets(state: State) -> KeySets:
    """Return what fetches the keys that agencies publish. Raises SettingsRefused."""

    def commit(client: Client, source: ClientKey, changed: Changes) -> None:
        added = [*(key.kid for key in changed.new), *changed.back]
        draft = Draft(
            event="credential.keys_fetched",
            ref=f"credential_{secrets.token_hex(8)}",
            clear={
                "agency": client.agency_id,
                "client": client.id,
                "profile": client.profile,
                "added": _thumbprints(added),
                "withdrawn": _thumbprints(changed.gone),
            },
            secret={"host": urlsplit(str(source.jwk[ALG])).netloc},
            detail={},
        )
        new = [store.ClientKey(key.kid, key.alg, key.jwk, "active") for key in changed.new]
        rows = administration.fetched_keys(client.id, source.kid, new, changed.back, changed.gone)
        state.ledger.append(draft, rows)

    fetching = Fetching.parse(state.settings.key_set_networks, trust(state.settings))
    times = KeySetTimes(state.database)
    registry = state.registry
    return KeySets(
        fetching.get,
        times,
        registry.client,
        commit,
        state.clock.now_ms,
        lambda: revoked(registry.clients()),
    )


def issuers(state: State) -> Issuers:
    """Return what changes which identity providers count."""
    return Issuers(state.ledger, state.registry, administration, state.settings.issuer)


def issuer_keys(state: State) -> IssuerKeys:
    """Return what fetches the keys of agencies' identity providers. Raises SettingsRefused."""
    fetching = Fetching.parse(state.settings.key_set_networks, trust(state.settings))
    times, acts = KeySetTimes(state.database), issuers(state)
    return IssuerKeys(fetching.get, times, state.registry.snapshot, acts.take, state.clock.now_ms)


def key_warnings(state: State, tokens: TokenKeys) -> list[KeyWarning]:
    """Return which keys need somebody. Raises an Unavailable."""
    now, registry = state.clock.now(), state.registry.snapshot()
    clients = registry.clients()
    encrypted = bool(state.settings.key_passphrase)
    try:
        # What is in hardware may have gone since it was read.
        found = [*of_token_keys(tokens.usable(), now, encrypted=encrypted)]
    except SettingsRefused as fault:
        found = [unusable(str(fault))]
    fetched = KeySetTimes(state.database).all()
    return [
        *found,
        *of_client_keys(clients, now),
        *of_key_sets(clients, fetched, now),
        *of_issuers(registry.issuers(), fetched, now),
    ]


def witnesses(settings: Settings) -> Policy | None:
    """Return who cosigns the log's checkpoints, None where the city named nobody. Raises SettingsRefused."""
    return load_witnesses(Path(settings.witnesses)) if settings.witnesses else None


def witnessed_of(state: State) -> Callable[[], Witnessed | None]:
    """Return what tells how the published checkpoint stands with the witnesses, None where there are none.

    Raises SettingsRefused; what it returns CheckpointRefused, or an Unavailable.
    """
    policy, publication = witnesses(state.settings), state.publication()
    return lambda: None if policy is None else witnessed(policy, publication.latest())


def witnessing(state: State, told: Callable[[Outcome], None]) -> Witnessing | None:
    """Return what asks the witnesses, None where there are none. Raises SettingsRefused."""
    policy = witnesses(state.settings)
    if policy is None:
        return None
    asked = Round(state.log_key, policy, trust=trust(state.settings))
    return Witnessing(asked, state.publication(), lambda: TileReader(state.rows).node, told)


def mail(settings: Settings, city: str) -> Mail | None:
    """Return the way to agencies' addresses, None where the city set no server. Raises SettingsRefused."""
    if not settings.smtp_url:
        return None
    server = MailServer.parse(settings.smtp_url, settings.smtp_password)
    return Mail(server, settings.mail_from, city, settings.issuer, trust(settings))


def laws_in_force(state: State) -> LawsInForce:
    """Return the laws of one process."""
    settings = state.settings
    return LawsInForce(
        state.lifecycle(),
        lambda bundle: build_engine(settings, bundle),
        state.serial_mark(),
        max_age=timedelta(seconds=settings.policy_max_age),
    )


def retention(state: State, laws: LawsInForce | None = None) -> Retention:
    """Return how long private detail is kept, by the settings and by the law in force.

    Raises OperatorError, PolicyUnavailable: what cannot be undone waits until the law can be read.
    """
    days = state.settings.retention_days
    if state.lifecycle().store.active() is None:
        return Retention(days)  # a city without a law has judged no query
    return Retention(days, law_wants((laws or laws_in_force(state)).now().bundle.data))


def eraser(state: State) -> Purge:
    """Return what erases private detail."""
    return Purge(
        ledger=state.ledger,
        head=state.rows.head,
        keys=state.keys,
        clock=state.clock,
        store=erasure.Erasure(state.database, state.settings.data / "purge.lock"),
        rows=erasure,
        disk=Disk(state.database.give_up_reserve, state.database.restore_reserve, state.database.empty_wal),
        agreed=agreement(state).refuse,
    )


def city_settings(state: State, laws: LawsInForce | None = None) -> Mapping[str, Json]:
    """Return the city's settings as the law in force has them; none for a city that has no law yet.

    Raises OperatorError, PolicyUnavailable.
    """
    if state.lifecycle().store.active() is None:
        return {}
    return _city_of((laws or laws_in_force(state)).now().bundle)


def first_settings(state: State) -> Mapping[str, Json]:
    """Return the same; of a city that has no law yet, as the one that it begins with will have them.

    Raises BundleRefused, too.
    """
    return city_settings(state) or _city_of(load_bundle(state.settings))


def _city_of(bundle: Bundle) -> Mapping[str, Json]:
    city = bundle.data.get("city")
    return city if isinstance(city, dict) else {}


def signing(state: State, city: Callable[[], Mapping[str, Json]]) -> Signing:
    """Return what lets an agency's signatory sign by a link."""
    return Signing(
        ledger=state.ledger,
        store=agency_life.Invitations(state.database),
        rows=agency_life,
        affirm=administration.affirm,
        agency=state.registry.agency,
        city=city,
        texts=Texts((state.settings.data / "texts", SHIPPED)),
        name=state.log_key.origin.partition("/")[0],
        now=state.clock.now,
    )


def changing(state: State, city: Callable[[], Mapping[str, Json]] | None = None) -> Changing:
    """Return what changes agencies, clients, keys and issuers, alone or by two, as the law in force says."""
    entering, providers = Registering(administration, make_secret), issuers(state)
    return Changing(
        ledger=state.ledger,
        snapshot=state.registry.snapshot,
        store=agency_life.Proposals(state.database),
        rows=agency_life,
        makers={
            "add_agency": entering.agency,
            "change_agency": entering.record,
            "change_287g": entering.record,
            "reinstate_agency": Reinstating(administration),
            "close_agency": closing(state),
            "add_client": entering.client,
            "add_key": entering.key,
            "add_issuer": providers.added,
            "change_issuer": providers.exchanged,
            "reinstate_issuer": providers.reinstated,
        },
        account=state.staff.get,
        city=city or (lambda: city_settings(state)),
        now=state.clock.now,
    )


def closing(state: State) -> Closing:
    """Return what plans the closing of an agency."""
    signs, links = signing(state, dict), agency_life.Invitations(state.database)
    hooks = Webhooks(state.database)
    return Closing(
        administration,
        Webhooks.disabling,
        agency_life.revoke_invitation,
        lambda agency_id: [hook for hook in hooks.all(agency_id) if hook.status == "active"],
        lambda agency_id: [link for link in links.all(agency_id) if signs.state(link) == "open"],
        state.clock.now,
    )


def untold(state: State) -> Callable[[Any], Literal["contact", "mail"] | None]:
    """Return what says why an agency cannot be told of anything."""
    hooks, mailed = endpoints(state).store, bool(state.settings.smtp_url)

    def why(agency: Any) -> Literal["contact", "mail"] | None:
        return hindrance(agency, hooks.all(agency.id), mail=mailed)

    return why


def agreement(state: State) -> Agreement:
    """Return what compares the holds of the database with those of the log."""
    return Agreement(state.ledger, state.rows, hold_rows.Holds(state.database))


def holds(state: State) -> Holds:
    """Return the city's legal holds."""
    return Holds(state.ledger, state.clock, hold_rows.Holds(state.database), hold_rows, state.rows)


def outlook_of(state: State) -> Callable[[Mapping[str, Any]], Outlook]:
    """Return what tells, by the data of the law in force, what is erased next; see ``purge.outlook``."""
    work, city = eraser(state), state.settings.retention_days
    return lambda data: outlook(work, city, data)


def found(state: State, bundle: Bundle, by: str) -> bool:
    """Make the bundle a new city's law; False if the city has a law already, whichever it is.

    Raises OperatorError.
    """
    lifecycle = state.lifecycle()
    if lifecycle.store.active() is not None:
        return False
    lifecycle.found(bundle, by)
    return True


def begin_job(
    settings: Settings, jobs: Jobs, kind: Kind, revision_id: str, *, by: str, options: Mapping[str, str]
) -> bool:
    """Check a revision, or try it on past queries, in a process of its own that outlives this one.

    What it needs is found as this process found it; *by* is told to it. False while one runs already.
    """
    latest = jobs.latest(revision_id, kind)
    if latest is not None and latest.state == "running":
        return False
    command = {"check": "check-revision", "replay": "replay"}[kind]
    given = [f"--{name}={value}" for name, value in options.items()]
    arguments = ["policy", command, revision_id, f"--data={settings.data}", f"--by={by}", *given]
    job = subprocess.Popen(  # noqa: S603  (our own interpreter and command; the options were read by the caller)
        [sys.executable, "-m", "gatekeeper", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody must hear that it ended, or it stays in the list of processes for as long as this worker lives.
    threading.Thread(target=job.wait, name="policy job", daemon=True).start()
    return True
