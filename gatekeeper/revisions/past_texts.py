"""The text of the law that an entry of the log names, as the city keeps it, for somebody outside.

Guarantees: the text is the one of the entry's digest, counted anew from its files, or it is refused; of two
texts that decide alike it is the one that was in force when the entry was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper.errors import BundleRefused
from gatekeeper.ledger import Json
from gatekeeper.policy import Files, Provision
from gatekeeper.policy.archive import opa_files
from gatekeeper.policy.layout import sources_of
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.succession import Succession

_IN_FORCE: Final = frozenset({"policy.activated", "policy.rolled_back"})


@dataclass(frozen=True, slots=True)
class PastText:
    """A text of the law: its ``files``, and the ``listing`` of them whose SHA-256 is the digest.

    ``opa`` are the files that OPA loads as a bundle, ``provisions`` what is said of each by its code; both
    are empty where this program cannot apply that text any more.
    """

    revision: str
    digest: str
    files: Files
    listing: bytes
    opa: Files
    provisions: Mapping[str, Mapping[str, Json]]


def past_text(lifecycle: Succession, policy: Mapping[str, Any], before: int) -> PastText | None:
    """Return the text that an entry names as its *policy*, None if the city has none of that name.

    *before* is the entry's index. Raises BundleRefused if what is kept is not that text, StoreUnavailable,
    LedgerUnavailable.
    """
    named = policy["revision"], policy["digest"]
    found = [one for one in lifecycle.store.all() if (one.revision, one.digest) == named]
    if not found:
        return None
    revision = max(found, key=lambda one: (_began(lifecycle, one, before), one.proposed_at))
    files = lifecycle.files(revision)
    sources = sources_of(files)
    if f"sha256:{sources.digest()}" != revision.digest:
        raise BundleRefused([f"{revision.revision}: its stored text does not have the digest that decided"])
    opa: Files = {}
    provisions: dict[str, Mapping[str, Json]] = {}
    try:
        bundle = lifecycle.bundle(revision)
    except BundleRefused:
        pass  # the text is whole, as the digest shows; it is what applies it that has changed since
    else:
        opa = opa_files(bundle)
        provisions = {code: _said(provision) for code, provision in bundle.written.items()}
    return PastText(revision.revision, revision.digest, files, sources.listing(), opa, provisions)


def _began(lifecycle: Succession, revision: Revision, before: int) -> int:
    """Return the entry by which the revision last came into force before that one; -1 if it never did."""
    entries = lifecycle.ledger.entries_of(revision.id)
    return max((e.index for e in entries if e.event in _IN_FORCE and e.index < before), default=-1)


def _said(provision: Provision) -> dict[str, Json]:
    return {
        "title": provision.title,
        "citation": provision.citation,
        "message": provision.message,
        "remedy": provision.remedy,
        "review": provision.review,
        "public": provision.public,
    }
