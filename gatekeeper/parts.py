"""Policies, engine, plate reads and notices, as the settings choose them; ``gatekeeper.app`` joins them."""

from __future__ import annotations

import json
import secrets
import ssl
from pathlib import Path

from gatekeeper.errors import BundleRefused, SettingsRefused
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.ledger import Draft, Json
from gatekeeper.notices import Endpoints, Mail, MailServer, Reach
from gatekeeper.policy import Bundle, Embedded, Engine, load, shipped_policies
from gatekeeper.records import ColumnMapping, Reads, SqlReads
from gatekeeper.records.mapping import SAMPLE
from gatekeeper.settings import Settings
from gatekeeper.state import State
from gatekeeper.store import administration
from gatekeeper.store.webhooks import Webhooks

REMEMBERED = 1024
"""Answers of the embedded engine that a worker holds, two kilobytes each: the plates of one case, the pages
of one answer and a repeated request have equal facts."""


def load_bundle(settings: Settings) -> Bundle:
    """Load the policies that the settings name. Raises BundleRefused naming every fault."""
    return load(Path(settings.policies) if settings.policies else shipped_policies())


def lexicon_of(bundle: Bundle) -> Lexicon:
    """Return the bundle's lexicon. Raises BundleRefused if it has none."""
    document = bundle.data.get("lexicon")
    if not isinstance(document, dict):
        raise BundleRefused(["data/lexicon.json is missing: the words of a request could not be screened"])
    return Lexicon.load(document)


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


def mail(settings: Settings, city: str) -> Mail | None:
    """Return the way to agencies' addresses, None where the city set no server. Raises SettingsRefused."""
    if not settings.smtp_url:
        return None
    server = MailServer.parse(settings.smtp_url, settings.smtp_password)
    return Mail(server, settings.mail_from, city, settings.issuer, trust(settings))


def activate(state: State, bundle: Bundle, by: str) -> bool:
    """Make the bundle the active policy, with its entry, unless it already is; say whether it was changed."""
    before = state.registry.state()
    if (before.policy_revision, before.policy_digest) == (bundle.revision, bundle.digest):
        return False
    previous: Json = None
    if before.policy_revision is not None:
        previous = {"revision": before.policy_revision, "digest": before.policy_digest}
    draft = Draft(
        event="policy.activated",
        ref=f"policy_{secrets.token_hex(8)}",
        clear={"policy": {"revision": bundle.revision, "digest": bundle.digest}, "previous": previous},
        secret={"by": by},
        detail={},
    )
    state.ledger.append(
        draft,
        administration.activate_policy(bundle.revision, bundle.digest, previous=before.policy_revision),
    )
    return True
