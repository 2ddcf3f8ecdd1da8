"""Promise 7: words typed by an officer never help a request; they can only hurt it.

The one thing that words supply is what happened (``stated_reason``) and under which number
(``case_number``): a request that was denied for anything else stays denied, whatever is typed in addition, in
any field; and what was denied whatever the words were stays denied for the same provisions.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Embedded, load, shipped_policies
from tests.servers.gate import changed

LAW = load(shipped_policies())
_LEXICON = LAW.data["lexicon"]
assert isinstance(_LEXICON, dict)
LEXICON = Lexicon.load(_LEXICON)
CURED_BY_SAYING_MORE = {"stated_reason", "case_number"}


@pytest.fixture(scope="module")
def engine() -> Embedded:
    """Return the engine of the shipped policies."""
    return Embedded(LAW)


def _line(**changes: Any) -> dict[str, Any]:
    line: dict[str, Any] = {
        "agency": {
            "id": "sample-il-pd",
            "name": "Sample Police Department",
            "kind": "local",
            "state": "IL",
            "status": "active",
            "affirmations": [
                {
                    "kind": "affirmation",
                    "signed_on": "2026-02-01",
                    "expires_on": None,
                    "text_version": "2026-01",
                    "signer": "Pat Chief",
                    "title": "Chief of Police",
                }
            ],
        },
        "at": "2026-11-22T12:00:00Z",
        "facts": {},
        "request": {
            "query": {
                "kind": "plate",
                "plate": "DEMO123",
                "from": "2026-11-01T00:00:00Z",
                "to": "2026-11-08T00:00:00Z",
            },
            "purpose": {
                "category": "criminal_investigation",
                "offense": "90Z",
                "narrative": "Stolen Example sedan, taken from Sample Avenue overnight",
                "case_number": "25-10494",
                "statute": "720 ILCS 5/16-1",
                "statute_state": "IL",
            },
            "requester": {"name": "Pat Example", "badge": "4411", "unit": "Auto theft"},
            "on_behalf_of": None,
            "legal_process": None,
            "attestation": {"text_version": "2026-01", "accepted": True},
        },
    }
    return changed(line, changes)


PROCESS = {
    "kind": "administrative_warrant",
    "form": "I-205",
    "court": None,
    "judge": None,
    "number": "7",
    "statute": None,
}
DENIED: dict[str, dict[str, Any]] = {
    "immigration by category": {"request__purpose__category": "civil_immigration"},
    "immigration by words": {"request__purpose__narrative": "Deportation officers ask for this stolen car"},
    "a detainer": {"request__purpose__narrative": "ICE detainer on the driver"},
    "a civil paper": {"request__legal_process": PROCESS},
    "health care by category": {"request__purpose__category": "health_care"},
    "health care by words": {"request__purpose__narrative": "She travelled for an abortion"},
    "a category the city does not serve": {"request__purpose__category": "other"},
    "protest": {"request__purpose__narrative": "Vehicles parked at the protest march"},
    "worship": {"request__purpose__narrative": "Cars outside the mosque at Friday prayers"},
    "private": {"request__purpose__narrative": "Checking where my ex girlfriend drives"},
    "an end requester nobody knows": {
        "request__on_behalf_of": {"agency": "NOBODY", "component": "Task force", "person": "Sam Sample"}
    },
    "an immigration component": {
        "request__purpose__narrative": "Homeland Security Investigations asks about a robbery"
    },
    "another's request in words": {"request__purpose__narrative": "Robbery, run this for ICE please"},
    "an agency that signed nothing": {"agency__affirmations": []},
    "a suspended agency": {"agency__status": "suspended"},
    "an agency that nobody knows": {"agency": None},
    "an undeclared visitor": {"agency__state": "IN"},
    "an attestation not accepted": {"request__attestation__accepted": False},
    "too wide a window": {"request__query__from": "2020-01-01T00:00:00Z"},
    "a stop": {"facts__stops": [{"scope": "all", "value": None}]},
    "a script that nobody reads": {"request__purpose__narrative": "Угон автомобиля ночью"},
    "nothing happened": {"request__purpose__narrative": "investigation"},
    "no number": {"request__purpose__case_number": "n/a"},
}
# Denied for their words: what is added may be weighed with them (a crime beside the name of an agency is for
# staff to look at, not final), but it never makes a permit.
BY_WORDS = {
    "immigration by words",
    "a detainer",
    "health care by words",
    "protest",
    "worship",
    "private",
    "an immigration component",
    "another's request in words",
    "nothing happened",
}
FIELDS = (
    "purpose__narrative",
    "purpose__case_number",
    "purpose__statute",
    "requester__name",
    "requester__badge",
    "requester__unit",
    "on_behalf_of__component",
    "on_behalf_of__person",
    "legal_process__form",
    "legal_process__court",
    "legal_process__judge",
    "legal_process__number",
    "legal_process__statute",
)


def _terms(document: Any) -> list[str]:
    if isinstance(document, str):
        return [document]
    if isinstance(document, dict):
        return [term for key, inner in document.items() for term in (key, *_terms(inner))]
    return [term for inner in document for term in _terms(inner)] if isinstance(document, list) else []


TERMS = sorted({term for term in _terms(_LEXICON) if 0 < len(term) <= 60})
HELPFUL = [
    "Armed robbery and murder of a shop keeper",
    "Criminal warrant signed by a judge",
    "Not an immigration matter",
    "This has nothing to do with abortion",
    "Child abduction, danger to life",
    "Stolen vehicle, burglary, kidnapping, arson",
    "Approved by the chief",
    "Case 25-10494",
    "I attest that this is lawful",
    "permit", "allow == true", '{"permit": true}', "staff override",
]  # fmt: skip
ADDITION = st.one_of(
    st.sampled_from(HELPFUL),
    st.lists(st.sampled_from(TERMS), min_size=1, max_size=4).map(" ".join),
    st.text(max_size=40),
)


def _judged(engine: Embedded, line: dict[str, Any]) -> set[str] | None:
    """Return the unmet provisions; None if it is no request at all."""
    answer = decide_line(json.dumps(line).encode(), engine, LEXICON)
    return None if "error" in answer else set(answer["provisions"])


def _said_more(line: dict[str, Any], field: str, text: str, *, before: bool) -> dict[str, Any] | None:
    """Type the text into a field as a sentence of its own; None if the request has no such field."""
    more = copy.deepcopy(line)
    section, name = field.split("__")
    place = more["request"][section]
    if place is None:
        return None
    old = place[name]
    place[name] = text if not old else f"{text}. {old}" if before else f"{old}. {text}"
    return more


def test_the_flawless_request_is_permitted_and_each_base_is_not(engine: Embedded) -> None:
    """What the attacks start from is denied for its own flaw."""
    assert set() == _judged(engine, _line())
    for name, changes in DENIED.items():
        assert _judged(engine, _line(**changes)), name


@settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    base=st.sampled_from(sorted(DENIED)),
    typed=st.lists(st.tuples(st.sampled_from(FIELDS), ADDITION, st.booleans()), min_size=1, max_size=3),
)
@example(base="immigration by words", typed=[("purpose__narrative", HELPFUL[2], False)])
@example(base="a civil paper", typed=[("legal_process__judge", "Judge Sample", False)])
def test_no_word_makes_a_permit(engine: Embedded, base: str, typed: list[tuple[str, str, bool]]) -> None:
    """Terms of the lexicon, sentences that plead, injected syntax, any text: denied stays denied."""
    line = _line(**DENIED[base])
    unmet = _judged(engine, line)
    assert unmet
    for field, text, before in typed:
        line = _said_more(line, field, text, before=before) or line
    _stays_denied(base, unmet, _judged(engine, line))


def _stays_denied(base: str, unmet: set[str], after: set[str] | None) -> None:
    """Fail if the words helped. What is no request any more (422) was not helped."""
    if after is None or unmet <= CURED_BY_SAYING_MORE:
        return
    assert after, "words made a permit"
    if base not in BY_WORDS:
        assert unmet - CURED_BY_SAYING_MORE <= after


@pytest.mark.parametrize("base", sorted(DENIED))
def test_pleading_does_not_help(engine: Embedded, base: str) -> None:
    """Every helpful sentence in every field at once turns nothing that words did not lack."""
    line = _line(**DENIED[base])
    unmet = _judged(engine, line)
    assert unmet
    for field in FIELDS:
        if field != "purpose__case_number":
            for text in HELPFUL[:3]:
                line = _said_more(line, field, text, before=True) or line
    _stays_denied(base, unmet, _judged(engine, line))
