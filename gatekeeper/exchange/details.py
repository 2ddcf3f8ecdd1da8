"""What a token was pinned to when it was asked for (RFC 9396): a purpose, a case.

An agency's own system asks for a token for one case, and hands it to the part that asks the gate: whoever
steals that token can ask about nothing else. Guarantees: a detail only narrows; one that is not understood is
refused, never passed over; case numbers are compared by their letters and digits, as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.validate import Equal, Length, Regexp

from gatekeeper.errors import Fault, TokenPinned
from gatekeeper.exchange.fingerprints import plain
from gatekeeper.ledger import Json

TYPE: Final = "alpr_query"
MOST: Final = 5
_LONGEST: Final = 2000
_CATEGORY: Final = r"[a-z_]{1,40}\Z"


class DetailsRefused(Exception):
    """The text is not a list of such details; the message says what is wrong, in words of ours."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that a token may be used for; None stands for any."""

    purpose: str | None
    case_number: str | None

    def as_json(self) -> dict[str, Json]:
        """Return it as it is written in the token and in the answer that brings it."""
        said = {"purpose": self.purpose, "case_number": self.case_number}
        return {"type": TYPE, **{name: value for name, value in said.items() if value is not None}}

    def covers(self, purpose: str, case_number: str) -> bool:
        """Return whether a query with this purpose and case number is what was asked for."""
        return self.purpose in {None, purpose} and (
            self.case_number is None or plain(self.case_number) == plain(case_number)
        )


class _Shape(Schema):
    class Meta:
        unknown = RAISE

    type = fields.String(required=True, validate=Equal(TYPE))
    purpose = fields.String(validate=Regexp(_CATEGORY))
    case_number = fields.String(validate=[Length(1, 100), Regexp(r"[ -~]*[0-9A-Za-z][ -~]*\Z")])


_SHAPE: Final = _Shape(many=True)


def read(text: str) -> tuple[Detail, ...]:
    """Read the parameter ``authorization_details`` of a token request. Raises DetailsRefused."""
    if len(text) > _LONGEST:
        raise DetailsRefused(f"authorization_details has at most {_LONGEST} characters")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise DetailsRefused("authorization_details must be a JSON array") from None
    return read_value(value)


def read_value(value: Any) -> tuple[Detail, ...]:
    """Read details that were decoded before, from a token of ours too. Raises DetailsRefused."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST:
        raise DetailsRefused(f"authorization_details must be a JSON array of 1 to {MOST} objects")
    try:
        known: Sequence[Mapping[str, str]] = _SHAPE.load(value)
    except ValidationError:
        raise DetailsRefused(
            f"each of authorization_details must be an object with type {TYPE}, and purpose (a category) or "
            "case_number or both, as strings, and no other member"
        ) from None
    found = tuple(Detail(said.get("purpose"), said.get("case_number")) for said in known)
    if any(detail == Detail(None, None) for detail in found):
        raise DetailsRefused("each of authorization_details must name a purpose, a case_number or both")
    return found


def within(details: Sequence[Detail], purpose: str, case_number: str) -> None:
    """Let a query pass that its token was asked for; any query, if the token was pinned to none.

    Raises TokenPinned, which names the member that differs.
    """
    if not details or any(detail.covers(purpose, case_number) for detail in details):
        return
    same_purpose = any(detail.purpose in {None, purpose} for detail in details)
    pointer = "/purpose/case_number" if same_purpose else "/purpose/category"
    raise TokenPinned(
        [
            Fault(
                pointer,
                "The access token was asked for with authorization_details that name another.",
                "Ask for a token whose authorization_details name this query's purpose and case, or none.",
            )
        ]
    )
