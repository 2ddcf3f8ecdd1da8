"""What a statement of a rule came to, as a sentence: of the shapes that rules mostly have.

A statement of another shape is shown as it is written. What an agency typed and what the law's data say is
quoted; the names of facts are ours, and a fact without one is shown by its path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatekeeper.ledger import Json
from gatekeeper.revisions.trace import Statement, Stood, Traced
from gatekeeper.web.console.languages import later, say

_MOST: Final = 6
_LONGEST: Final = 160
_FACTS: Final[Mapping[str, str]] = {
    "clock.date": later("the date"),
    "agency": later("the agency"),
    "agency.known": later("whether the agency is registered"),
    "agency.id": later("the agency's id"),
    "agency.kind": later("the agency's kind"),
    "agency.state": later("the agency's state"),
    "agency.status": later("the agency's standing"),
    "agency.has_287g": later("whether the agency has a 287(g) agreement"),
    "agency.affirmation": later("the agency's affirmation"),
    "agency.affirmation.state": later("how the agency's affirmation stands"),
    "agency.affirmation.text_version": later("the text that the agency affirmed"),
    "agency.affirmation.age_days": later("the days since the agency affirmed"),
    "agency.declaration": later("the agency's declaration"),
    "agency.declaration.state": later("how the agency's declaration stands"),
    "agency.declaration.text_version": later("the text that the agency declared"),
    "agency.declaration.age_days": later("the days since the agency declared"),
    "end_requester": later("the agency that it asks for"),
    "end_requester.known": later("whether the agency that it asks for is registered"),
    "end_requester.id": later("the id of the agency that it asks for"),
    "end_requester.kind": later("the kind of the agency that it asks for"),
    "end_requester.state": later("the state of the agency that it asks for"),
    "end_requester.status": later("the standing of the agency that it asks for"),
    "end_requester.has_287g": later("whether the agency that it asks for has a 287(g) agreement"),
    "end_requester.affirmation": later("the affirmation of the agency that it asks for"),
    "end_requester.declaration": later("the declaration of the agency that it asks for"),
    "query.kind": later("the kind of the query"),
    "query.literal_characters": later("the characters of the plate"),
    "query.wildcards": later("the wildcards in the plate"),
    "query.plate_state": later("the plate's state"),
    "query.window_hours": later("the hours that it looks through"),
    "query.starts_days_ago": later("the days back to where it begins"),
    "query.ends_in_future": later("whether it ends in the future"),
    "query.cameras": later("the number of cameras"),
    "query.limit": later("the most records that it asks for"),
    "purpose.category": later("the stated purpose"),
    "purpose.offense": later("the offense code"),
    "purpose.statute": later("the statute"),
    "purpose.statute_state": later("the state of the statute"),
    "purpose.narrative": later("the officer's words"),
    "purpose.case_number": later("the case number"),
    "purpose.earlier_offenses": later("the offense codes stated before"),
    "requester.name": later("the officer's name"),
    "requester.badge": later("the officer's badge"),
    "requester.unit": later("the officer's unit"),
    "on_behalf_of": later("for whom it is asked"),
    "on_behalf_of.agency": later("the agency named as the one asked for"),
    "on_behalf_of.component": later("the component named as the one asked for"),
    "on_behalf_of.person": later("the person named as the one asked for"),
    "legal_process": later("the legal process"),
    "legal_process.kind": later("the kind of the paper"),
    "legal_process.form_numbers": later("the form numbers on the paper"),
    "legal_process.earlier_kinds": later("the kinds of the papers shown before"),
    "legal_process.court": later("the court on the paper"),
    "legal_process.judge": later("the judge on the paper"),
    "legal_process.number": later("the number of the paper"),
    "legal_process.statute": later("the statute on the paper"),
    "legal_process.verified": later("whether staff verified the paper"),
    "attestation.accepted": later("whether the officer accepted the attestation"),
    "attestation.text_version": later("the text that the officer attested"),
    "words.classes": later("the classes of words that were found"),
    "words.matches": later("the words that were found"),
    "words.reviewed": later("whether every word could be read"),
    "words.narrative.letters": later("the letters of the officer's words"),
    "words.narrative.specific": later("whether the words say what happened"),
    "words.narrative.offense_class": later("whether the words name a class of crimes"),
    "words.narrative.means": later("what the words say happened"),
    "words.narrative.added_means": later("what the words of appeals say happened"),
    "words.narrative.vague_only": later("whether the words would fit any search"),
    "words.case_number.plausible": later("whether the case number could be one"),
    "words.case_number.call_for_service": later("whether the case number is of a call for service"),
    "stops": later("the stops in force that cover the request"),
    "history.days_searched": later("the days on which this officer searched for this plate"),
    "patterns.refused_before": later("what was refused about the same plate or place of late"),
    "patterns.more_refusals": later("whether more was refused than is listed"),
    "patterns.targets_this_hour": later("the plates and places that this officer asked about this hour"),
    "patterns.targets_today": later("the plates and places that this officer asked about today"),
    "patterns.days_by_agency": later("the days on which this agency asked about this plate or place"),
    "patterns.sensitive_places": later("the sensitive places that the request looks at"),
    "patterns.sensitive_by_officer": later("how often this officer looked at sensitive places"),
    "patterns.sensitive_by_agency": later("how often this agency looked at sensitive places"),
    "officer.proved": later("whether the agency proved the officer"),
    "officer.suspended": later("whether the officer is suspended"),
    "officer.training_age_days": later("the days since the officer's training"),
    "officer.clients_this_hour": later("the systems that this badge asked from within the hour"),
    "officer.hours_today": later("the hours of the day in which this badge asked"),
    "officer.sessions_at_once": later("the sessions in which this badge asks at once"),
    "officer.session_age_hours": later("the hours since the officer signed in"),
    "ruling": later("the rulings of staff"),
}
"""What facts are called, by their paths below ``input``."""
_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "equals": (later("%(one)s is %(other)s"), later("%(one)s is not %(other)s")),
    "differs": (later("%(one)s is other than %(other)s"), later("%(one)s is not other than %(other)s")),
    "less": (later("%(one)s is below %(other)s"), later("%(one)s is not below %(other)s")),
    "at_most": (later("%(one)s is at most %(other)s"), later("%(one)s is not at most %(other)s")),
    "more": (later("%(one)s is above %(other)s"), later("%(one)s is not above %(other)s")),
    "at_least": (later("%(one)s is at least %(other)s"), later("%(one)s is not at least %(other)s")),
    "among": (later("%(one)s is among %(other)s"), later("%(one)s is not among %(other)s")),
}
"""How a comparison is said, and how its denial."""
_DATED: Final[Mapping[str, tuple[str, str]]] = {
    "less": (later("%(one)s is before %(other)s"), later("%(one)s is not before %(other)s")),
    "at_most": (later("%(one)s is %(other)s or before"), later("%(one)s is not %(other)s or before")),
    "more": (later("%(one)s is after %(other)s"), later("%(one)s is not after %(other)s")),
    "at_least": (later("%(one)s is %(other)s or after"), later("%(one)s is not %(other)s or after")),
}
"""The same, of dates."""
_CHECKS: Final[Mapping[str, tuple[str, str]]] = {
    "is_string": (later("%(one)s is there, as a text"), later("%(one)s is not there as a text")),
    "is_number": (later("%(one)s is there, as a number"), later("%(one)s is not there as a number")),
    "is_array": (later("%(one)s is there, as a list"), later("%(one)s is not there as a list")),
    "is_object": (later("%(one)s is there, with its parts"), later("%(one)s is not there with its parts")),
    "is_boolean": (later("%(one)s is there, as yes or no"), later("%(one)s is not there as yes or no")),
    "is_null": (later("%(one)s is said to be nothing"), later("%(one)s is not said to be nothing")),
    "startswith": (later("%(one)s begins with %(other)s"), later("%(one)s does not begin with %(other)s")),
    "endswith": (later("%(one)s ends with %(other)s"), later("%(one)s does not end with %(other)s")),
    "contains": (later("%(one)s contains %(other)s"), later("%(one)s does not contain %(other)s")),
}

_RULES: Final = frozenset({"facts", "main", "packs", "redaction", "sharing"})
"""Where rules stand, and not data."""


def sentence(statement: Statement) -> str | None:
    """Return a statement as a sentence; None if it is of no known shape: it is shown as written."""
    parts, negated, reached = statement.parts, int(statement.negated), statement.held is not None
    match statement.shape:
        case shape if shape in _SENTENCES and len(parts) == 2:
            forms = _DATED[shape] if shape in _DATED and all(map(_dated, parts)) else _SENTENCES[shape]
            return say(forms[negated], one=_part(parts[0], reached), other=_part(parts[1], reached))
        case "call" if statement.called in _CHECKS and 1 <= len(parts) <= 2:
            forms = _CHECKS[statement.called]
            return say(forms[negated], one=_part(parts[0], reached), other=_part(parts[-1], reached))
        case "call" | "truth" if statement.rules:
            return _of_rule(statement)
        case "truth" if parts:
            forms = later("%(one)s is so"), later("%(one)s is not so")
            return say(forms[negated], one=_part(parts[0], reached))
        case "assigned" if parts:
            return say(
                "%(one)s stands for %(other)s", one=", ".join(statement.binds), other=_part(parts[0], reached)
            )
        case "some" if parts:
            text = later("there is some %(one)s in %(other)s")
            return say(text, one=", ".join(statement.binds), other=_part(parts[0], reached))
        case "every" if parts:
            text = later("for every %(one)s in %(other)s:")
            return say(text, one=", ".join(statement.binds), other=_part(parts[0], reached))
    return None


def name_of(traced: Traced) -> str:
    """Return what a rule is called, with what it was asked about."""
    name = traced.rule[1].replace("_", " ")
    if not traced.arguments:
        return name
    about = ", ".join(_named(one) for one in traced.arguments)
    return say("%(rule)s, of %(about)s", rule=name, about=about)


def shown(value: Json) -> str:
    """Write one value for a person."""
    match value:
        case None:
            return say("nothing")
        case True:
            return say("yes")
        case False:
            return say("no")
        case str():
            return say("“%(quoted)s”", quoted=_cut(value))
        case int() | float():
            return str(value)
        case list():
            return _list(value)
    return _cut(json.dumps(value, ensure_ascii=False))


def values(found: Sequence[Json]) -> str:
    """Write the values that stood in one place."""
    if not found:
        return say("missing")
    said = [shown(value) for value in found[:_MOST]]
    more = len(found) - _MOST
    return say(" or ").join(said) + (say(" and %(number)d more", number=more) if more > 0 else "")


def _of_rule(statement: Statement) -> str:
    forms = later("it holds: %(one)s"), later("it does not hold: %(one)s")
    if statement.shape == "call":
        called = statement.called.rpartition(".")[2]
        rule = next((rule for rule in statement.rules if rule.rule[1] == called), statement.rules[-1])
    else:
        rule = statement.rules[0]
    return say(forms[int(statement.negated)], one=name_of(rule))


def _part(part: Stood, reached: bool) -> str:  # noqa: FBT001 - said of every part alike
    """Write a part of a statement: its name and, beside it, what stood there, if anybody looked."""
    if part.constant:
        return values(part.values) if part.values else _literal(part.text)
    if not reached:
        return _named(part)
    return say("%(name)s (%(value)s)", name=_named(part), value=values(part.values))


def _literal(text: str) -> str:
    try:
        return shown(json.loads(text))
    except ValueError:
        return text


def _named(part: Stood) -> str:
    path: Sequence[Any] = part.path or ()
    if path[:1] == ("input",) and ".".join(map(str, path[1:])) in _FACTS:
        return say(_FACTS[".".join(map(str, path[1:]))])
    if path[:2] == ("input", "ruling") and len(path) == 3:
        return say("the ruling on %(provision)s", provision=str(path[2]).replace("_", " "))
    if path[:1] == ("data",) and len(path) > 2 and path[1] in _RULES:
        return _plain(path[-1])
    if path[:2] == ("data", "city") and None not in path:
        return say("the city's setting of %(name)s", name=" ".join(map(_plain, path[2:])))
    if path[:1] == ("data",) and None not in path:
        return say("what the law's data say of %(name)s", name=" ".join(map(_plain, path[1:])))
    if len(path) == 1:
        return _plain(path[0])
    return part.text


def _plain(name: object) -> str:
    return str(name).replace("_", " ")


def _dated(part: Stood) -> bool:
    """Say whether what stood there is a date."""
    return bool(part.values) and all(_is_date(value) for value in part.values)


def _is_date(value: Json) -> bool:
    return isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-"


def _list(value: Sequence[Json]) -> str:
    if not value:
        return say("an empty list")
    more = len(value) - _MOST
    said = ", ".join(shown(one) for one in value[:_MOST])
    return said + (say(" and %(number)d more", number=more) if more > 0 else "")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
