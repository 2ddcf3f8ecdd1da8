"""Facts made alike: both laws decide them as they decide the facts themselves, and nothing typed is left."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.errors import OperatorError, PolicyUnavailable
from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Bundle, Embedded, Verdict, shipped_policies
from gatekeeper.policy.engine import Facts
from gatekeeper.policy.mutations import TEXTS, mutated, texts_of
from gatekeeper.revisions.replay.alike import Alike
from gatekeeper.revisions.replay.cluster import refuse_unhidden
from gatekeeper.revisions.replay.standins import POOL
from tests.policy.laws import PACKS, VISITOR, law, shipped
from tests.revisions.replay.laws import another

_LAWS = ("shipped", "visitor", *PACKS)
_TYPED = {
    "purpose": ("narrative", "case_number", "statute"),
    "requester": ("name", "badge", "unit"),
    "on_behalf_of": ("agency", "component", "person"),
    "legal_process": ("form", "court", "judge", "number", "statute"),
}


def _paper() -> dict[str, Any]:
    return {
        "kind": "search_warrant", "form": "AO 93", "form_numbers": ["93"], "court": "Sample County Court",
        "judge": "Robin Specimen", "number": "26-W-77", "statute": "725 ILCS 5/108-3",
        "issued_on": "2026-11-01", "verified": True, "earlier_kinds": [],
    }  # fmt: skip


class _Both:
    """Two laws, their engines, and what makes facts alike for them."""

    def __init__(self, *bundles: Bundle) -> None:
        self.alike = Alike(bundles)
        self._engines = [Embedded(bundle, budget_ms=10_000) for bundle in bundles]
        self._fit = [Facts(bundle) for bundle in bundles]

    def agree(self, facts: Mapping[str, Any]) -> bool:
        """Hold the verdicts on the facts and on the treated facts side by side; say if there was one."""
        for fit in self._fit:
            try:
                fit.text(facts)
            except PolicyUnavailable:
                return False  # the gate asks no engine
        treated, _ = self.alike.treated(facts)
        for engine in self._engines:
            own, other = _said(engine, facts), _said(engine, treated)
            assert own == other, json.dumps([facts, treated])[:6000]
        return True


def _said(engine: Embedded, facts: Mapping[str, Any]) -> tuple[Any, ...] | None:
    try:
        verdict: Verdict = engine.evaluate(facts)
    except PolicyUnavailable:
        return None
    owed = {n: sorted(v, key=str) if isinstance(v, list) else v for n, v in verdict.obligations.items()}
    return verdict.permit, verdict.unmet, owed


_BOTH: dict[str, _Both] = {}


def _both(name: str) -> _Both:
    if name not in _BOTH:
        _BOTH[name] = _Both(
            law(name)[0], another(days=3, letters=12) if name in ("shipped", "visitor") else law(name)[0]
        )
    return _BOTH[name]


@pytest.mark.parametrize("name", _LAWS)
def test_changed_facts_are_decided_alike(name: str) -> None:
    """Thousands of facts, with and without a paper, spoiled at random: the same verdicts."""
    both, (bundle, facts) = _both(name), law(name)
    chance = random.Random(20261125)  # noqa: S311 - reproducible, not secret
    texts = (*TEXTS, *texts_of(bundle.modules, bundle.data.get("city")), "90Z", "2026-11-23", "Pat Example")
    told = tried = 0
    while told < (400 if name == "shipped" else 80):
        tried += 1
        base = {**facts, "legal_process": _paper()} if tried % 2 else facts
        told += both.agree(mutated(base, chance, texts)[0])
        assert tried < 20_000, "hardly any of them fits the schema"


_TEXT = st.one_of(
    st.sampled_from(
        ["", " ", "\u00a0", "\u2003", "x", "Pat Example", "4411", " 4411", "#", "A-1", "éa", "1\n2"]
    ),
    st.text(max_size=12),
)


@given(
    name=st.sampled_from(("shipped", "visitor", "virginia", "california")),
    typed=st.lists(_TEXT, min_size=14, max_size=14),
    letters=st.integers(0, 60),
    days=st.integers(-3, 900),
    age=st.integers(-3, 900),
    hours=st.integers(-3, 2000),
    date=st.dates().map(str),
    terms=st.lists(
        st.sampled_from(["auto theft", "violent crime", "drugdrug", "theft", "", "sex offense"]), max_size=3
    ),
    classes=st.lists(
        st.sampled_from(["profiling", "care_patient", "unheard", "crime_class", "x"]), unique=True
    ),
)
@settings(max_examples=250, deadline=None)
def test_typed_texts_and_numbers_are_decided_alike(  # noqa: PLR0913, PLR0917 - each is drawn by itself
    name: str, typed: list[str], letters: int, days: int, age: int, hours: int, date: str, terms: list[str],
    classes: list[str],
) -> None:  # fmt: skip
    """Whatever a person typed, whichever numbers there are: a stand-in answers every question as it does."""
    _, facts = law(name)
    facts["legal_process"] = _paper()
    drawn = iter(typed)
    for part, names in _TYPED.items():
        for one in names:
            facts[part][one] = next(drawn)
    facts["words"]["narrative"]["letters"], facts["history"]["days_searched"] = letters, max(days, 0)
    facts["agency"]["affirmation"]["age_days"] = age
    facts["query"]["window_hours"], facts["clock"]["date"] = hours, date
    facts["words"]["classes"] = classes
    facts["words"]["matches"] = [
        {"class": "crime_class", "term": term, "field": "narrative", "start": 0, "end": 1} for term in terms
    ]
    facts["words"]["narrative"] |= {"specific": False, "offense_class": True}
    assert _both(name).agree(facts)


def _cases(bundle: Bundle) -> Iterator[Mapping[str, Any]]:
    """Yield the facts of every case of the law, as the gate gathers them."""
    taken: list[Mapping[str, Any]] = []
    engine, lexicon = Embedded(bundle), Lexicon.of(bundle)

    class _Recording:
        def __init__(self) -> None:
            self.bundle = bundle

        def evaluate(self, facts: Mapping[str, Any]) -> Verdict:
            taken.append(facts)
            return engine.evaluate(facts)

        def ready(self) -> None: ...

        def close(self) -> None: ...

    for path in sorted((shipped_policies() / "cases").rglob("*.json")):
        decide_line(path.read_bytes(), _Recording(), lexicon)
    yield from taken


def test_the_cases_of_the_law_are_decided_alike_and_hold_nothing_typed() -> None:
    """Every case of the law: the same verdict, and of what a person typed nothing but stand-ins is left."""
    both, held = _both("shipped"), 0
    kinds_of_crime = set(shipped().data["offenses"]["classes"])  # type: ignore[arg-type, call-overload, index]
    for facts in _cases(shipped()):
        assert both.agree(facts)
        treated: Any
        treated, hidden = both.alike.treated(facts)
        assert hidden
        for part, names in _TYPED.items():
            left = {(treated[part] or {}).get(one) for one in names} - {None}
            assert left <= set(POOL)
            held += len(left)
        for match in treated["words"]["matches"]:
            assert match["term"] in POOL or set(match["term"].split("|")) <= kinds_of_crime
    assert held > 500


def test_agencies_that_the_law_does_not_name_are_one() -> None:
    """An agency's id, the day, how long it has signed: what no rule tells apart is decided once."""
    both, (_, facts) = _both("shipped"), law("shipped")
    other = json.loads(json.dumps(facts))
    other["agency"] |= {"id": "quite-another"}
    other["agency"]["affirmation"]["age_days"] = 31
    other["clock"]["date"] = "2026-11-23"
    other["requester"] = {"name": "Sam Sample", "badge": "12", "unit": None}
    other["purpose"] |= {"narrative": "Something else", "case_number": "26-1", "statute": None}
    assert both.alike.treated(facts) == both.alike.treated(other)
    other["agency"] = VISITOR
    assert both.alike.treated(facts) != both.alike.treated(other)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ('input.requester.name == "Pat Example"', "requester.name"),
        ("input.requester.unit in data.city.purposes", "requester.unit"),
        ("data.city.attestation_texts[input.requester.badge]", "requester.badge"),
        ("count(input.purpose.narrative) > 3", "purpose.narrative"),
        ('concat(" ", [input.purpose.narrative, "x"]) != ""', "purpose.narrative"),
        ("sort([input.legal_process.judge]) != []", "legal_process.judge"),
        ("input.purpose.case_number > input.requester.badge", "purpose.case_number"),
        ("trim_space(input.requester.name) == input.on_behalf_of.person", "requester.name"),
        ("some word in input.requester; word == data.city.state", "requester"),
        ("input.requester != {}", "requester"),
        (
            "is_string(input.requester.unit); regex.match(data.city.state, input.requester.unit)",
            "requester.unit",
        ),
        ("x := input.purpose; y := x.narrative; y == data.city.state", "purpose.narrative"),
        ("text == data.city.state; text = input.requester.unit", "requester.unit"),
    ],
)
def test_a_rule_that_only_the_text_itself_answers_is_named(rule: str, path: str) -> None:
    """No stand-in keeps what such a rule finds: nothing is sent, and the refusal says which and where."""
    alike = Alike([another(rule=rule)])
    assert any(one.path == path or one.path.startswith(f"{path}.") for one in alike.unhidden)
    assert not alike.treated(law("shipped")[1])[1]
    with pytest.raises(
        OperatorError, match=r"sharing/repeated_search/repeated_search\.rego:\d+: `"
    ) as refused:
        refuse_unhidden(alike.unhidden)
    assert path in str(refused.value)


@pytest.mark.parametrize(
    "rule",
    [
        'is_string(input.requester.unit); trim_space(input.requester.unit) != ""',
        'regex.match("^[A-Z]{2}[0-9]+$", input.requester.badge)',
        'contains(input.purpose.narrative, "robbery")',
        "trim_space(input.requester.name) != trim_space(input.on_behalf_of.person)",
        "input.requester.name != input.requester.badge",
        "is_string(input.requester.unit)",
    ],
)
def test_what_a_stand_in_answers_is_not_refused(rule: str) -> None:
    """Blank, a pattern, a word of the law, the same as another: each has a stand-in that answers alike."""
    both = _Both(another(rule=rule), shipped())
    assert [] == both.alike.unhidden
    _, facts = law("shipped")
    for name in ("Pat Example", " ", "AB12", "Lee Example ", "4411", "a robbery", "robberies"):
        facts["requester"] = {"name": name, "badge": "4411", "unit": name}
        facts["purpose"]["narrative"] = f"An armed {name} here"
        assert both.agree(facts)
        treated, hidden = both.alike.treated(facts)
        assert not hidden or "armed" not in json.dumps(treated)


@pytest.mark.parametrize(
    "rule",
    [
        'x := input.requester; x[k] == "4411"; k != "name"',
        '{"a": x} = {"a": input.requester.unit}; x == "Auto theft"',
        "input.history.days_under_this_case == 3",
        'some m in input.words.matches; m.start > 3; m.term != ""',
        'count({m.class | some m in input.words.matches; m.class != "profiling"}) > 1',
        "input.agency.id == input.end_requester.id",
        "input.query.window_hours + 1 > 200",
        'x := [y | y := input.purpose.category][0]; x == "stolen_vehicle"',
        "input.on_behalf_of == null",
        'input.clock.date > "2026-11-22"',
        "input.query.starts_days_ago in [3, 21, 30]",
    ],
)
def test_whatever_a_rule_does_facts_are_decided_alike(rule: str) -> None:
    """By roundabout ways too: what is not followed is kept."""
    both = _Both(another(rule=rule), shipped())
    bundle, facts = law("shipped")
    chance = random.Random(20261125)  # noqa: S311 - reproducible, not secret
    texts = (*TEXTS, *texts_of(bundle.modules, bundle.data.get("city")), "2026-11-23", "4411")
    told = tried = 0
    while told < 20 and tried < 5000:
        tried += 1
        changed = mutated({**facts, "legal_process": _paper()}, chance, texts)[0]
        if isinstance(changed.get("history"), dict):
            changed["history"]["days_searched"] = 900  # so that nothing but this rule can prove the provision
        told += both.agree(changed)
    assert 20 == told


def test_a_text_without_a_stand_in_stays_here() -> None:
    """A pattern that none of the stand-ins fits: those facts are not sent, and decided as they are."""
    both = _Both(another(rule='regex.match("^Q7[a-z]{5}!$", input.requester.badge)'))
    _, facts = law("shipped")
    assert [] == both.alike.unhidden
    assert both.alike.treated(facts)[1]
    facts["requester"]["badge"] = "Q7abcde!"
    assert both.agree(facts)
    treated, hidden = both.alike.treated(facts)
    assert ("Q7abcde!", False) == (treated["requester"]["badge"], hidden)  # type: ignore[call-overload, index]


def test_a_fact_that_a_later_schema_adds_counts_as_typed() -> None:
    """Nobody has said that it is public, so a rule that reads it is named."""
    alike = Alike([another(rule="input.requester.shoe == data.city.state", field="shoe")])
    assert ["requester.shoe"] == [one.path for one in alike.unhidden]
