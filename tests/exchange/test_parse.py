"""What is not a query is refused with every fault named, and nothing is let through by resemblance."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.errors import BundleRefused, Fault, InvalidRequest, MalformedBody
from gatekeeper.exchange.offenses import Offenses
from gatekeeper.exchange.parse import Parser, read_again
from gatekeeper.exchange.reading import MAX_BODY_BYTES
from gatekeeper.policy import load, shipped_policies
from tests.exchange.city import body

OFFENSES = Offenses.of(load(shipped_policies()))
parse = Parser(OFFENSES).parse


def _refused(document: Any) -> list[Fault]:
    with pytest.raises(InvalidRequest) as refused:
        parse(json.dumps(document).encode())
    return list(refused.value.faults)


def _faults(document: Any) -> dict[str, str]:
    return {fault.pointer: fault.message for fault in _refused(document)}


def test_a_flawless_request_becomes_a_query() -> None:
    """Times are UTC, the plate is normalised, the digest is of the whole body."""
    query = parse(json.dumps(body(query__plate="demo 1-a", query__plate_state="il")).encode())
    assert ("DEMO1A", "IL") == (query.plate, query.plate_state)
    assert "+00:00" == query.start.isoformat()[-6:]
    assert 64 == len(query.digest)


def test_every_fault_is_named_at_once() -> None:
    """An agency's developer must not find them one by one."""
    request = body(purpose__category="theft", query__limit="10")
    del request["requester"]["badge"]
    del request["attestation"]
    request["requestor"] = {}
    assert {
        "/query/limit",
        "/purpose/category",
        "/requester/badge",
        "/attestation",
        "/requestor",
    } == set(_faults(request))


def _leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    return [path]


LEAVES = _leaves(body())
OPTIONAL = {
    ("query", "limit"),
    ("query", "plate_state"),
    ("purpose", "statute"),
    ("purpose", "statute_state"),
    ("requester", "unit"),
    ("on_behalf_of",),
    ("legal_process",),
}


@pytest.mark.parametrize("path", LEAVES, ids="/".join)
def test_a_missing_field_is_refused_unless_it_is_optional(path: tuple[str, ...]) -> None:
    """What is not said must not be guessed."""
    request = body()
    place = request
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    if path in OPTIONAL:
        parse(json.dumps(request).encode())
    else:
        assert {"/" + "/".join(path)} == set(_faults(request))


@pytest.mark.parametrize("path", LEAVES, ids="/".join)
@pytest.mark.parametrize(
    "value", [7, 7.5, True, [], {}, ["x"], "\x00", "\ud800", "a\nb", "x" * 5000], ids=repr
)
def test_a_field_of_the_wrong_type_never_becomes_a_query(path: tuple[str, ...], value: Any) -> None:
    """Neither a number for a text, nor true for 1, nor text that a C engine would cut at NUL."""
    if (path, value) in [(("query", "limit"), 7), (("attestation", "accepted"), True)]:
        return
    request = body()
    place = request
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InvalidRequest):
        parse(json.dumps(request).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"query": NaN}',
        b'{"query": Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"query": {"kind": "plate", "kind": "place"}}',
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
        b'{"query": 123456789012345678901234567890}',
        b" " * (MAX_BODY_BYTES + 1),
    ],
)
def test_what_two_readers_could_read_differently_is_not_json(text: bytes) -> None:
    """Duplicate names, NaN and huge numbers would be judged as one thing and logged as another."""
    with pytest.raises(MalformedBody):
        parse(text)


@pytest.mark.parametrize("document", [None, [], "query", 7, {}])
def test_what_is_not_an_object_is_refused(document: Any) -> None:
    """The top level is an object with a query in it."""
    assert _faults(document)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"query__kind": "convoy"}, "/query/kind"),
        ({"query__kind": "vehicle"}, "/query/kind"),
        ({"query__plate": "AB*"}, "/query/plate"),
        ({"query__plate": "%"}, "/query/plate"),
        ({"query__plate": "ABCDEFGHIJK"}, "/query/plate"),
        ({"query__plate": "AB12345\n"}, "/query/plate"),
        ({"query__plate_state": "ILL"}, "/query/plate_state"),
        ({"query__from": "2026-11-01T00:00:00"}, "/query/from"),
        ({"query__to": "2000-01-01T00:00:00Z"}, "/query/to"),
        ({"query__from": "0001-01-01T00:00:00Z"}, "/query/from"),
        ({"query__limit": 0}, "/query/limit"),
        ({"query__limit": 501}, "/query/limit"),
        ({"purpose__offense": "240\n"}, "/purpose/offense"),
        ({"purpose__narrative": "x" * 2001}, "/purpose/narrative"),
    ],
)
def test_a_value_out_of_bounds_is_named(changes: dict[str, Any], pointer: str) -> None:
    """Bounds of shape are refused with the field that breaks them."""
    assert pointer in _faults(body(**changes))


def test_a_kind_not_served_names_those_that_are() -> None:
    """The cure is in the fault."""
    assert "plate, place" in _faults(body(query__kind="convoy"))["/query/kind"]


@pytest.mark.parametrize("value", ["", "n/a"])
@pytest.mark.parametrize("field", ["narrative", "case_number"])
def test_present_but_worthless_is_left_to_the_policy(field: str, value: str) -> None:
    """It is well-formed; that it is worth nothing is a judgement, and has a citation."""
    query = parse(json.dumps(body(**{f"purpose__{field}": value})).encode())
    assert value == getattr(query.purpose, field)


def test_faults_never_repeat_what_was_sent() -> None:
    """A plate typed into the wrong field must not come back in an error or reach a log."""
    faults = _faults(
        body(query__limit="SECRET77", purpose__category="SECRET77", query__plate_state="SECRET77")
    )
    assert "SECRET77" not in json.dumps(list(faults.values()))


@pytest.mark.parametrize(
    ("said", "near"),
    [
        ("99Z", "90Z (All Other Offenses)"),
        ("13D", "13A (Aggravated Assault); 13B (Simple Assault); 13C (Intimidation)"),
        ("24", "240 (Motor Vehicle Theft)"),
        ("241", "240 (Motor Vehicle Theft)"),
    ],
)
def test_a_code_that_does_not_exist_is_named_with_the_nearest(said: str, near: str) -> None:
    """A slip of the finger is a fault of the request, found before anything is judged."""
    (fault,) = _refused(body(purpose__offense=said))
    assert ("/purpose/offense", f"The offense code {said} does not exist.") == (fault.pointer, fault.message)
    assert fault.cure.startswith(f"Send one that does; the nearest: {near}")


def test_a_code_near_to_none_is_told_where_codes_come_from() -> None:
    """There is always a cure."""
    (fault,) = _refused(body(purpose__offense="777"))
    assert "777" in fault.message
    assert "NIBRS" in fault.cure


@pytest.mark.parametrize(
    ("said", "near"),
    [
        ("burglary", "220 (Burglary/Breaking and Entering)"),
        ("Motor vehicle theft", "240 (Motor Vehicle Theft)"),
        ("13a", "13A (Aggravated Assault)"),
    ],
)
def test_a_title_in_place_of_a_code_finds_its_code(said: str, near: str) -> None:
    """Found by the words of the title, or by the code in small letters; neither is repeated."""
    faults = [fault for fault in _refused(body(purpose__offense=said)) if near in fault.cure]
    assert ["Not an offense code."] == [fault.message for fault in faults]


@pytest.mark.parametrize("said", ["SECRET77", "DEMO1234", "x" * 100_000, "Pat Example"])
def test_what_is_no_code_is_never_repeated(said: str) -> None:
    """A plate or a name in the wrong field stays there."""
    faults = _refused(body(purpose__offense=said))
    assert {"/purpose/offense"} == {fault.pointer for fault in faults}
    assert not any(said in fault.message + fault.cure for fault in faults)


def test_an_unknown_code_is_named_beside_every_other_fault() -> None:
    """All faults at once, whichever step finds them."""
    faults = _faults(body(purpose__offense="99Z", query__limit=0))
    assert {"/purpose/offense", "/query/limit"} == set(faults)


@pytest.mark.parametrize("said", ["", None, "240", "90Z"])
def test_the_empty_code_is_left_to_the_policy(said: str | None) -> None:
    """That nothing was named is a denial with its citation, not a fault of shape."""
    assert said == parse(json.dumps(body(purpose__offense=said)).encode()).purpose.offense


def test_a_query_accepted_before_is_read_again_though_its_code_has_gone() -> None:
    """The policy denies it then, with its reason."""
    assert "99Z" == read_again(body(purpose__offense="99Z")).purpose.offense


@pytest.mark.parametrize("document", [None, {}, [], {"codes": {}}, {"codes": []}])
def test_a_bundle_without_offenses_is_refused(document: Any) -> None:
    """No list is not a list that holds everything, nor one by which every request is faulty."""
    law = load(shipped_policies())
    with pytest.raises(BundleRefused, match=r"data/offenses\.json"):
        Offenses.of(replace(law, data={**law.data, "offenses": document}))
