"""A form of the console, read: what was typed, and every fault beside the field that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import Schema

from gatekeeper.web.console.languages import say

Faults = list[tuple[str, str]]
"""What is wrong: the field's id on the page ("" for the whole form), and what to do about it, as shown."""


class Form(Schema):
    """A form. A field that the page does not have is left out, as browsers and their helpers add some."""

    class Meta:
        """What is not named is not read."""

        unknown = "exclude"


def read(form: Schema) -> tuple[dict[str, Any], Faults]:
    """Return what was typed (a field with a fault as its text) and what is wrong with it."""
    sent = request.form.to_dict()
    refused = form.validate(sent)
    typed: Mapping[str, Any] = form.load({name: text for name, text in sent.items() if name not in refused})
    faults = [(name, say(str(message))) for name, said in refused.items() for message in _each(said)]
    return {**typed, **{name: sent.get(name, "") for name in refused}}, faults


def _each(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]
