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
        del req, schema
        messages = error.messages_dict.get("query", error.messages_dict)
        names = messages if isinstance(messages, dict) else {}
        raise InvalidRequest(
            [
                Fault(f"?{str(name)[:40]}", "Missing, unknown or not a valid value.", "See openapi.yaml.")
                for name in names
            ]
        )
