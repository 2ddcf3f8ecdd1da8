"""Linking: whether two entries are about the same plate, officer, case or place, nobody can tell.

What ties entries together in clear is in the README's table: an id ties those of one query, an index a
release to its decision, and agency, hour, category, provisions and policy are shared by many.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.ledger.public.asked import Asked, One, Published
from tests.ledger.public.attacker import values

TOLD = frozenset(
    {"v", "event", "hour", "agency", "agency_kind", "end_requester", "end_requester_kind", "category", "kind"}
    | {"outcome", "provisions", "review", "policy", "replay", "page", "count_band"}
)
"""The fields of a query's entries that many queries share; the README says what they tell."""


def _told(document: Mapping[str, Any]) -> str:
    return repr({name: document[name] for name in sorted(TOLD & document.keys() - {"hour"})})


def _own(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an entry says beside that."""
    for name, value in document.items():
        if name not in TOLD:
            yield from values(value)


def test_two_queries_share_no_value_but_what_is_told_of_both(public: Published) -> None:
    """Whatever they are about: each other value belongs to one query, each commitment to one entry."""
    owners: dict[str, set[str]] = defaultdict(set)
    commitments: Counter[str] = Counter()
    for document in public.documents:
        if document["event"].startswith("query."):
            for value in _own(document):
                owners[value].add(document["ref"])
        commitments.update(document["commitments"].values())
    assert {1} == {len(refs) for refs in owners.values()}
    assert {1} == set(commitments.values())
    assert len(public.leaves) == len(set(public.leaves))


@pytest.mark.parametrize("group", ["same", "same elsewhere"])
def test_a_plate_asked_again_and_again_looks_like_so_many_plates(
    public: Published, asked: Asked, group: str
) -> None:
    """One plate, officer and case, twenty times: what the entries say is said of unlinked queries as well."""
    assert 1 == len({str(one.body["query"]["plate"]) for one in asked.of(group)})
    linked = {_told(document) for document in _of(public, asked.of(group))}
    agency = asked.of(group)[0].entry["agency"]
    others = {
        _told(document)
        for document in _of(public, [one for one in asked.queries if one.group in ("random", "other")])
        if document["agency"] == agency
    }
    assert linked <= others


def test_two_agencies_that_ask_about_one_plate_are_not_tied_to_each_other(
    public: Published, asked: Asked
) -> None:
    """No value of the one's entries stands in an entry of the other's."""
    one, other = (
        {value for document in _of(public, asked.of(group)) for value in _own(document)}
        for group in ("same", "same elsewhere")
    )
    assert set() == one & other


def test_equal_secrets_have_unlike_commitments(asked: Asked, public: Published) -> None:
    """The same officer, offense and query, committed to in every entry of a group: each time another."""
    for group in ("same", "same elsewhere"):
        for name in ("officer", "offense", "query"):
            made = [document["commitments"][name] for document in _of(public, asked.of(group))]
            assert len(made) == len(set(made)) >= 20
    opened = [one.answer["receipt"]["openings"]["officer"]["value"] for one in asked.of("same")]
    assert [opened[0]] * 20 == opened


def test_nearness_of_commitments_tells_nothing(public: Published, asked: Asked) -> None:
    """Those of one plate are no nearer to each other than those of others, bit by bit or in their order."""

    def distances(ones: list[One]) -> float:
        made = [int(d["commitments"]["query"], 16) for d in _of(public, ones)]
        pairs = [(a ^ b).bit_count() for i, a in enumerate(made) for b in made[:i]]
        return sum(pairs) / len(pairs)

    for group in ("same", "other"):
        assert 120 < distances(asked.of(group)) < 136  # of 256 bits; about twenty standard deviations wide


def _of(public: Published, ones: list[One]) -> list[dict[str, Any]]:
    refs = {one.ref for one in ones}
    return [document for document in public.documents if document["ref"] in refs]
