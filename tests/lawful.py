"""Laws for tests: one that never changes, and one put into force without the people whom that takes."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gatekeeper.exchange import Law
from gatekeeper.ledger import Draft, Json
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.policy import Bundle, Embedded, Engine, packed, shipped_policies, tree_digest
from gatekeeper.policy.archive import opa_files
from gatekeeper.policy.signing import Enactment, claims_of
from gatekeeper.revisions.interfaces import Proposed, Revision
from gatekeeper.revisions.lifecycle import Lifecycle
from gatekeeper.state import State


def roomy_policies(directory: Path) -> Path:
    """Copy the shipped policies, with limits that no test and no benchmark comes near."""
    shutil.copytree(shipped_policies(), directory)
    file = directory / "data" / "city.json"
    document = json.loads(file.read_text("utf-8"))
    for limit in document["quotas"].values():
        if "capacity" in limit:
            limit |= {"capacity": 1_000_000, "refill": 1_000_000}
    file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return directory


class Steady:
    """The same law, whatever the registry says."""

    def __init__(self, law: Law) -> None:
        self.law = law

    def of(self, state: RegistryState) -> Law:
        """Return it."""
        del state
        return self.law


_LAWS: dict[str, Law] = {}
_PACKED: dict[str, bytes] = {}


def law_of(engine: Engine) -> Law:
    """Return the law of an engine; what Python makes of a bundle's data is made once."""
    known = _LAWS.get(engine.bundle.digest)
    if known is None:
        known = _LAWS[engine.bundle.digest] = Law.of(engine)
    return replace(known, engine=engine)


def steady(bundle: Bundle) -> Steady:
    """Return a law with an engine of its own."""
    return Steady(law_of(Embedded(bundle)))


def put_in_force(state: State, bundle: Bundle) -> Revision:
    """Make a bundle the law of a city: signed and logged, but approved by nobody."""
    lifecycle, now = state.lifecycle(), state.clock.now()
    store, before, active = lifecycle.store, state.registry.state(), lifecycle.store.active()
    if active is not None and active.digest == bundle.digest:
        return active
    serial = store.next_serial()
    revision = Proposed(
        id=f"rev_{secrets.token_hex(8)}",
        revision=bundle.revision,
        digest=bundle.digest,
        tree=_tree(bundle),
        label=bundle.label,
        base=None if active is None else active.id,
        origin="founding",
        author="operator:test",
        reason="",
        state="active",
        proposed_at=now,
        effective_at=now,
        serial=serial,
        activated_at=now,
    )
    revision = replace(revision, signature=signature(lifecycle, bundle, revision))
    known = store.archive(revision.tree) is not None
    rows = [
        *(() if active is None else store.moved(active, "superseded")),
        *store.proposed(revision, None if known else _archive(bundle)),
        *store.in_force(revision, serial, before=(before.policy_revision, before.policy_serial)),
    ]
    policy: Json = {"revision": bundle.revision, "digest": bundle.digest}
    previous: Json = None if active is None else {"revision": active.revision, "digest": active.digest}
    clear: dict[str, Json] = {"policy": policy, "previous": previous, "serial": serial}
    state.ledger.append(Draft("policy.activated", revision.id, clear, {"by": "test"}, {}), rows)
    return revision


def signature(lifecycle: Lifecycle, bundle: Bundle, revision: Revision) -> str:
    """Return the policy key's signature of a revision."""
    now = lifecycle.clock.now()
    enactment = Enactment(
        revision=revision.revision,
        digest=revision.digest,
        tree=revision.tree,
        serial=revision.serial or 1,
        signed_at=now,
        lapses_at=now + timedelta(days=7),
    )
    return lifecycle.keys.signer().sign(claims_of(opa_files(bundle), enactment))


def _archive(bundle: Bundle) -> bytes:
    tree = _tree(bundle)
    if tree not in _PACKED:
        _PACKED[tree] = packed(bundle.files)
    return _PACKED[tree]


def _tree(bundle: Bundle) -> str:
    return tree_digest(bundle.files)
