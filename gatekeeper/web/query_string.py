"""Query-string parameters through webargs, each fault named as the contract names it (``?name``)."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser

from gatekeeper.errors import Fault, InvalidRequest


class QueryStringParser(FlaskParser):
    """Raises InvalidRequest for an unknown, missing, repeated or mistyped parameter, all at once."""

    def __init__(self) -> None:
        # webargs drops what it does not know, and a `dry-run` that is dropped is a query that releases.
        super().__init__(unknown=RAISE)

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Return the parameters. Raises ValidationError for one that is there twice: which of them counts?"""
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise ValidationError({name: ["repeated"] for name in repeated})
        return super().load_querystring(req, schema)

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
