"""A permit needs every rule and every fact: take one away, and there is none, on either engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import BundleRefused, PolicyUnavailable
from gatekeeper.policy import Bundle, Embedded, export, load, shipped_policies, verdict_of
from gatekeeper.policy.mutations import JUNK, places, replaced, without
from tests.policy.laws import PACKS, SMALL, dumps, law, shipped, small
from tests.servers.opa import opa_program

Place = tuple[str | int, ...]

_OMITTED = {
    "purpose.statute",
    "purpose.statute_state",
    "query.plate_state",
    "requester.unit",
    "on_behalf_of.component",
    "legal_process",
    "history.days_under_this_case",
    "history.days_under_another_case",
    "history.refused_in_the_last_hour",
    "officer.role",
    "officer.training_age_days",
    "officer.session_age_hours",
    "ruling",
    "words.matches",
    "words.narrative.words",
}


def _statement(place: str) -> set[str]:
    """Name a statement, and its parts, that another one stands in for."""
    return {place, f"{place}.state", f"{place}.text_version", f"{place}.age_days"}


# Facts whose absence may leave a permit: what a request may omit, and what only matters beside that.
# Everything else must be there, and of its type, or nothing is released.
OPTIONAL: dict[str, set[str]] = {
    "small": {"ruling"},
    "shipped": _OMITTED | _statement("agency.declaration") | _statement("end_requester.declaration"),
    "south": {"ruling"},
    "visitor": _OMITTED
    | _statement("agency.affirmation")
    | _statement("end_requester.declaration")
    | {"agency.state"},  # whoever has declared may be of any state
}


def _optional(name: str) -> set[str]:
    return OPTIONAL[name] if name in OPTIONAL else OPTIONAL["shipped"]


LAWS = ("small", "shipped")
# What only packs look at is tried in a city that selected one.
FOR_PACKS = {"facts/recipients/recipients.rego": "virginia", "facts/record/record.rego": "california"}
QUERIES = ("small", "shipped", "visitor", "south", *PACKS)


def _directory(name: str) -> Path:
    return SMALL if name == "small" else shipped_policies()


def _permits(engine: Embedded, facts: Any) -> bool:
    """Ask past the schema, which would refuse most of these facts before the law is asked."""
    try:
        return engine._read(engine._ask(dumps(facts))).permit
    except PolicyUnavailable:
        return False


@pytest.mark.parametrize("name", QUERIES)
def test_the_whole_is_permitted(name: str) -> None:
    """The facts that the tests below spoil are permitted, schema and all."""
    bundle, facts = law(name)
    assert Embedded(bundle).evaluate(facts).unmet == ()


MODULES = [("small", path) for path in sorted(small().modules)]


def _modules() -> list[tuple[str, str]]:
    shipped_modules = sorted(
        path.relative_to(shipped_policies()).as_posix()
        for folder in ("main", "sharing", "facts", "redaction", "packs")
        for path in shipped_policies().glob(f"{folder}/**/*.rego")
        if not path.name.endswith("_test.rego")
    )
    return MODULES + [("shipped", path) for path in shipped_modules]


def test_there_are_shipped_modules() -> None:
    """The list above is not empty by accident."""
    assert len(shipped().modules) == len(_modules()) - len(MODULES)


@pytest.mark.parametrize(("name", "path"), _modules())
def test_deleted_file_refuses_the_bundle(name: str, path: str, tmp_path: Path) -> None:
    """A law with this file gone is not loaded."""
    copy = shutil.copytree(_directory(name), tmp_path / "law")
    (copy / path).unlink()
    with pytest.raises(BundleRefused):
        load(copy)


def _short(bundle: Bundle, path: str) -> Bundle:
    return replace(bundle, modules={other: text for other, text in bundle.modules.items() if other != path})


@pytest.mark.parametrize(("name", "path"), _modules())
def test_deleted_file_never_permits_embedded(name: str, path: str) -> None:
    """Past the checks of load, straight into the engine: a law with this file gone permits nothing."""
    concerned = _concerned(name, path)
    bundle, facts = law(concerned)
    assert _permits(Embedded(bundle), facts) is (concerned != "new_hampshire")
    assert not _permits(Embedded(_short(bundle, path)), facts)


def _concerned(name: str, path: str) -> str:
    """Return the law in which the file at *path* decides something."""
    return path.split("/")[1] if path.startswith("packs/") else FOR_PACKS.get(path, name)


def _opa_decision(bundle: Bundle, facts: Mapping[str, Any], directory: Path) -> object:
    """Evaluate once with OPA's own command; None for an error or an undefined decision."""
    export(bundle, directory / "bundle.tar.gz")
    (directory / "input.json").write_text(dumps(facts))
    done = subprocess.run(
        [
            opa_program(),
            "eval",
            "--bundle",
            "bundle.tar.gz",
            "--input",
            "input.json",
            "--format",
            "json",
            "--strict-builtin-errors",
            "data.main.decision",
        ],
        capture_output=True,
        cwd=directory,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        return None
    results = json.loads(done.stdout).get("result", [])
    return results[0]["expressions"][0]["value"] if results else None


@pytest.mark.needs("opa")
@pytest.mark.servers
@pytest.mark.parametrize("name", [*LAWS, "south", *PACKS])
def test_deleted_file_never_permits_opa(name: str, tmp_path: Path) -> None:
    """The same on the real OPA, for each file in turn; whole, it permits."""
    bundle, facts = law(name)
    assert verdict_of(_opa_decision(bundle, facts, tmp_path), bundle).permit
    for path in bundle.modules:
        if _concerned(name, path) != name:
            continue
        with pytest.raises(PolicyUnavailable):  # noqa: PT012 - a denial is as good as no answer
            verdict = verdict_of(_opa_decision(_short(bundle, path), facts, tmp_path), bundle)
            assert not verdict.permit, path
            raise PolicyUnavailable


@pytest.mark.parametrize("name", [*LAWS, "south", *PACKS])
def test_deleted_data_never_permits(name: str) -> None:
    """A data file that is gone opens nothing that it should keep shut."""
    bundle, facts = law(name)
    for gone in bundle.data:
        data = {other: document for other, document in bundle.data.items() if other != gone}
        verdict = _permits(Embedded(replace(bundle, data=data)), facts)
        assert not verdict or gone in ("offenses", "lexicon"), gone


def _say(place: Place) -> str:
    return ".".join("[]" if isinstance(part, int) else part for part in place)


@pytest.mark.parametrize("name", QUERIES)
def test_missing_fact_never_permits(name: str) -> None:
    """Each fact of a permitted query is needed, but for a committed list of optional ones."""
    bundle, facts = law(name)
    engine = Embedded(bundle)
    still = {_say(place) for place in places(facts) if _permits(engine, without(facts, place))}
    assert still <= _optional(name), still - _optional(name)


def _kind(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


@pytest.mark.parametrize("name", QUERIES)
def test_mistyped_fact_never_permits(name: str) -> None:
    """Each fact of a permitted query, replaced by every kind of junk: no exception, and no permit."""
    bundle, facts = law(name)
    engine = Embedded(bundle)
    still = set()
    for place in places(facts):
        value: Any = facts
        for part in place:
            value = value[part]
        for junk in JUNK:
            if _permits(engine, replaced(facts, place, junk)) and _kind(junk) != _kind(value):
                still.add(_say(place))
    assert still <= _optional(name), still - _optional(name)


@pytest.mark.parametrize("name", LAWS)
def test_facts_of_another_shape_never_permit(name: str) -> None:
    """Nothing, everything and deep nonsense are asked in place of facts."""
    engine = Embedded(law(name)[0])
    deep: Any = {}
    for _ in range(100):
        deep = {"agency": deep, "purpose": [deep]}
        if len(dumps(deep)) > 100_000:
            break
    for nonsense in (*JUNK, deep, {"input": law(name)[1]}, [law(name)[1]]):
        assert not _permits(engine, nonsense)
