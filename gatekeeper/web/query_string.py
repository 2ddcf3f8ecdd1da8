"""Query-string parameters through webargs, each fault named as the contract names it (``?name``)."""

from __future__ import annotations

from typing import Any, NoReturn

from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from gatekeeper.errors import Fault, InvalidRequest


class QueryStringParser(FlaskParser):
    """Raises InvalidRequest for an unknown, missing or mistyped parameter, all at once."""

    def handle_error(
        self, error: ValidationError, req: Any, schema: Schema, **_: Any
    ) -> NoReturn:  # the framework's own handler would abort with a shape of its own
        """Turn webargs' messages into faults."""
        del req
        messages = error.messages_dict.get("query", error.messages_dict)
        names = messages if isinstance(messages, dict) else {}
        # A name that is none of ours is not repeated: it could be anything that a caller typed.
        pointers = {f"?{name}" if name in schema.fields else "?" for name in names}
        raise InvalidRequest(
            [
                Fault(pointer, "Missing, unknown or not a valid value.", "See openapi.yaml.")
                for pointer in sorted(pointers)
            ]
        )
