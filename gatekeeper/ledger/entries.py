"""The closed list of events, and the making of one entry.

Guarantees: an entry is canonical JSON under 64 KiB that fits the schema of its event in ``events/``, where no
field is free text; the schema is applied when the entry is sealed (a defect of ours must not be able to
publish a plate, for a log cannot be taken back) and again by `verify`. Exact times and everything about
persons, plates and places are commitments; words, names and the engine's input are in the sealed box only.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from typing import Any, Final

import jsonschema_rs

from gatekeeper.errors import EntryRefused
from gatekeeper.ledger.canonical import Json, canonical, compact
from gatekeeper.ledger.clock import from_ms, iso, to_ms
from gatekeeper.ledger.commitments import commit, new_salts
from gatekeeper.ledger.detail import DayKeys
from gatekeeper.ledger.merkle import leaf_hash

MAX_ENTRY_BYTES: Final = 65_535
"""C2SP tlog-tiles prefixes each entry of a bundle with a 16-bit length."""

EVENTS: Final = (
    "query.decided", "query.released", "query.previewed", "query.refused",
    "review.queued", "review.assigned", "review.asked", "review.answered", "review.escalated",
    "review.ruled", "review.noted", "review.withdrawn", "review.expired",
    "policy.proposed", "policy.checked", "policy.replayed", "policy.approved", "policy.scheduled",
    "policy.activated", "policy.rolled_back", "policy.rejected", "policy.shadowed",
    "policy.case_proposed", "policy.case_accepted", "policy.case_rejected",
    "stop.set", "stop.lifted",
    "agency.added", "agency.changed", "agency.suspended", "agency.reinstated", "agency.closed",
    "agency.affirmed", "agency.reminded", "agency.invited", "agency.invitation_revoked",
    "agency.change_proposed", "agency.change_withdrawn",
    "agency.webhook_added", "agency.webhook_rotated", "agency.webhook_disabled",
    "credential.added", "credential.revoked", "credential.key_added", "credential.key_revoked",
    "credential.keys_fetched", "credential.token_revoked",
    "issuer.added", "issuer.changed", "issuer.keys_fetched",
    "issuer.suspended", "issuer.reinstated", "issuer.removed",
    "officer.suspended", "officer.reinstated",
    "staff.added", "staff.changed", "staff.removed", "staff.signed_in", "staff.viewed",
    "ledger.key_added", "ledger.key_retired",
    "token_key.prepared", "token_key.activated", "token_key.dropped",
    "export.made", "purge.begun", "purge.done", "purge.held", "purge.unheld",
    "report.published", "report.sample_drawn", "report.sample_marked",
)  # fmt: skip
"""All that the log can say. Anything else is refused, also by whoever verifies."""

_RESERVED: Final = frozenset({"v", "event", "ref", "hour", "commitments"})
Opening = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be logged: public fields, private values to commit to, and detail that is only sealed.

    `ref` is a random identifier of ours (for ``query.*`` the query's). The mappings must not change after.
    """

    event: str
    ref: str
    clear: Mapping[str, Json]
    secret: Mapping[str, Json]
    detail: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry ready for the log; `box` holds the openings and the detail under the day's key."""

    draft: Draft
    entry: bytes
    leaf_hash: bytes
    at_ms: int
    day: date
    box: bytes
    openings: dict[str, Opening]


def schema_of(event: str) -> dict[str, Json]:
    """Return the published schema of an event (or of ``terms``); raises EntryRefused if it is not listed."""
    if event not in EVENTS and event != "terms":
        raise EntryRefused("no such event")
    text = resources.files("gatekeeper.ledger").joinpath("events", f"{event}.json").read_text("utf-8")
    schema: dict[str, Json] = json.loads(text)
    return schema


def _validators() -> dict[str, jsonschema_rs.Draft202012Validator]:
    terms = jsonschema_rs.Registry([("json-schema:///terms.json", schema_of("terms"))])
    return {
        event: jsonschema_rs.Draft202012Validator(
            schema_of(event), registry=terms, base_uri=f"json-schema:///{event}.json", offline=True
        )
        for event in EVENTS
    }


_VALIDATORS: Final = _validators()


def fault_in(entry: object) -> str | None:
    """Return what is wrong with a decoded entry, in terms of its schema alone, or None if it fits."""
    event = entry.get("event") if isinstance(entry, dict) else None
    validator = _VALIDATORS.get(event) if isinstance(event, str) else None
    if validator is None:
        return "the event is not on the list"
    try:
        if validator.is_valid(entry):
            return None
        # Of the error only the rule is told: its message and its path may quote what was typed.
        error = next(iter(validator.iter_errors(entry)))
    except (ValueError, TypeError):
        return f"{event} holds what is not JSON"
    return f"{event} breaks its schema at /{'/'.join(str(part) for part in error.schema_path)}"


def agencies_in(entry: bytes) -> tuple[str, ...]:
    """Return the agencies that an entry names, each once: who asks, for whom, who is stopped.

    What is no entry of ours (somebody wrote it into the database) names none.
    """
    try:
        document = json.loads(entry)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(document, dict):
        return ()
    named = [document.get("agency"), document.get("end_requester")]
    if document.get("scope") == "agency":
        named.append(document.get("value"))
    if isinstance(spoken_for := document.get("agencies"), list):
        named += spoken_for
    return tuple(dict.fromkeys(agency for agency in named if isinstance(agency, str) and agency))


def seal(draft: Draft, at: datetime, keys: DayKeys) -> Sealed:
    """Make the entry, its commitments and its box; raises EntryRefused, KeyErased, or ValueError (naive)."""
    if not _RESERVED.isdisjoint(draft.clear) or "at" in draft.secret:
        raise EntryRefused("a draft may not set what the log itself sets")
    at_ms = to_ms(at)
    commitments: dict[str, Json] = {}
    openings: dict[str, Opening] = {}
    salt_of_time, *salts = new_salts(1 + len(draft.secret))
    for (name, value), salt in zip(draft.secret.items(), salts, strict=True):
        commitments[name], openings[name] = _committed(name, value, salt)
    document: dict[str, Any] = {
        "v": 1,
        "event": draft.event,
        "ref": draft.ref,
        **draft.clear,
        "commitments": commitments,
    }
    return _sealed(draft, document, openings, (at_ms, salt_of_time), keys)


def reseal(sealed: Sealed, at_ms: int, keys: DayKeys) -> Sealed:
    """Return the same entry at a later time; only time, hour and box are made anew; raises as `seal` does."""
    time = at_ms, new_salts(1)[0]
    return _sealed(sealed.draft, json.loads(sealed.entry), dict(sealed.openings), time, keys)


def _sealed(
    draft: Draft,
    document: dict[str, Any],
    openings: dict[str, Opening],
    time: tuple[int, bytes],
    keys: DayKeys,
) -> Sealed:
    """Set the time, check the whole against its schema and its size, and close the box."""
    at_ms, salt = time
    at = from_ms(at_ms)
    document["commitments"]["at"], openings["at"] = _committed("at", iso(at), salt)
    document["hour"] = hour_of(at)
    fault = fault_in(document)
    if fault is not None:
        raise EntryRefused(fault)
    entry = canonical(document)
    if len(entry) > MAX_ENTRY_BYTES:
        raise EntryRefused("an entry is under 64 KiB")
    box = keys.seal(
        at.date(), draft.ref, draft.event, compact({"openings": openings, "detail": dict(draft.detail)})
    )
    return Sealed(draft, entry, leaf_hash(entry), at_ms, at.date(), box, openings)


def _committed(name: str, value: Json, salt: bytes) -> tuple[str, Opening]:
    return commit(name, value, salt), {"salt": base64.b64encode(salt).decode(), "value": value}


def hour_of(at: datetime) -> str:
    """Return the hour of a UTC time as an entry says it: ``2026-11-01T14Z``; texts compare as times do."""
    return f"{at:%Y-%m-%dT%H}Z"


BANDS: Final = ("0", "1-9", "10-99", "100+")
"""How many, as the public log says it, the fewest first."""


def count_band(count: int) -> str:
    """Return how many, as roughly as the public log says it; raises ValueError below zero."""
    if count < 0:
        raise ValueError("a count is not negative")
    return BANDS[sum(count >= least for least in (1, 10, 100))]
