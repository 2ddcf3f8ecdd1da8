"""The field types that every body is read with: strict, and safe for engines and databases.

marshmallow's own ``String`` lets NUL characters and lone surrogates through, its ``Integer`` takes ``True``
and its ``Boolean`` takes ``"yes"``; a C engine cuts text at NUL and PostgreSQL refuses it. These fields
close that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

_Data = Mapping[str, Any] | None
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_PLATE_SEPARATORS = str.maketrans("", "", " .\u00b7-")


class SafeString(fields.String):
    """Text in NFC, without control characters (line breaks and tabs included) or surrogates.

    Empty text is let through: whether an empty field is worth anything is for the policy to say. Raises
    ValidationError if the value is not text, holds a forbidden character, or is longer than ``maximum``.
    """

    def __init__(self, maximum: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if len(text) > self.maximum:
            raise ValidationError(f"Longer than {self.maximum} characters.")
        # What is printable is neither; only the rest is looked at one by one.
        if not text.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
            raise ValidationError("Holds a control character or half of a character pair.")
        return text


class StrictInteger(fields.Integer):
    """A JSON integer; not ``true``, not ``1.0``, not ``"1"``. Raises ValidationError otherwise."""

    def __init__(self, minimum: int, maximum: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(minimum, maximum), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> int:
        del attr, data, kwargs
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class StrictBoolean(fields.Boolean):
    """``true`` or ``false`` and nothing that merely resembles them. Raises ValidationError otherwise."""

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> bool:
        del attr, data, kwargs
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class Moment(fields.AwareDateTime):
    """A date and time with its offset, as RFC 3339 writes it; ISO 8601 allows shapes that few others read.

    Raises ValidationError otherwise.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _MOMENT.match(value):
            raise self.make_error("invalid", input=value, obj_type="aware datetime")
        return super()._deserialize(value, attr, data, **kwargs)


class Day(fields.Date):
    """A date as RFC 3339 writes it (``2026-11-01``). Raises ValidationError otherwise."""

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> date:
        if not isinstance(value, str) or not _DAY.match(value):
            raise self.make_error("invalid", input=value, obj_type="date")
        return super()._deserialize(value, attr, data, **kwargs)


class Plate(SafeString):
    """A plate as it is compared: upper case, without spaces, dots and dashes; letters and digits only."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=32, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).upper().translate(_PLATE_SEPARATORS)
        if "?" in text or "*" in text or "%" in text:
            raise ValidationError("Wildcards are not served yet; send the whole plate.")
        if not 1 <= len(text) <= 10 or not text.isascii() or not text.isalnum():
            raise ValidationError("Not a plate: 1 to 10 letters and digits.")
        return text


class StateCode(fields.String):
    """A two-letter state code, in upper case (``IL``). Raises ValidationError otherwise."""

    def _deserialize(self, value: Any, attr: str | None, data: _Data, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) != 2 or not text.isascii() or not text.isalpha():
            raise ValidationError("Not a two-letter state code.")
        return text.upper()
