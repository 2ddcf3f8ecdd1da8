"""Limits of agencies, officers and kinds of query: exactly as many as the city's policy says, and no more."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.errors import (
    IdempotencyInFlight,
    PolicyUnavailable,
    QuotaExceeded,
    StoreUnavailable,
    Superseded,
)
from gatekeeper.exchange import further_records
from gatekeeper.exchange.quotas import AGAIN, LIMITS, Quotas
from gatekeeper.exchange.refusals import Refusals
from gatekeeper.policy import Bundle, Embedded
from tests.exchange.city import CAMERAS, City, body
from tests.lawful import Steady, law_of

AGENCY = "sample-il-pd"
PLENTY = {"capacity": 100, "refill": 100, "per": "day", "reserve": 0}


def some(capacity: int, reserve: int = 0) -> dict[str, Any]:
    """Return a limit that gives one back in a day: nothing comes back during a test."""
    return {"capacity": capacity, "refill": capacity, "per": "day", "reserve": reserve}


def limited(city: City, bundle: Bundle, **limits: Any) -> City:
    """Return the city under the same law, but for these limits; all others are plenty."""
    data = deepcopy({name: json.loads(json.dumps(document)) for name, document in bundle.data.items()})
    quotas = data["city"]["quotas"] | dict.fromkeys(LIMITS, PLENTY) | limits
    data["city"]["quotas"] = {name: said for name, said in quotas.items() if said is not None}
    if limits.get("quotas", 0) is None:
        del data["city"]["quotas"]
    return city.with_gate(laws=Steady(law_of(Embedded(replace(bundle, data=data)))))


def asked(city: City, number: int, agency_id: str = AGENCY, **changes: Any) -> int:
    """Ask so often; return how many queries were answered."""
    return sum(answered(lambda: city.ask(body(**changes), agency_id)) for _ in range(number))


def answered(ask: Callable[[], object]) -> bool:
    """Say whether a query was answered, and not refused by a limit."""
    try:
        ask()
    except QuotaExceeded:
        return False
    return True


def missing() -> dict[str, Any]:
    """Return what a search for a missing child is changed by."""
    return {
        "purpose__category": "missing_or_endangered_person",
        "purpose__offense": None,
        "purpose__narrative": "Missing child, nine years old, last seen in this vehicle near Ridge Ave",
    }


def at_a_place() -> dict[str, Any]:
    """Return what a query for a place is changed by: it is denied, and counts all the same."""
    return {"query": {"kind": "place", "cameras": [next(iter(CAMERAS))]} | _window()}


def _window() -> dict[str, Any]:
    query = body()["query"]
    return {name: query[name] for name in ("from", "to", "limit")}


def test_an_agency_gets_as_many_as_its_limit(city: City, bundle: Bundle) -> None:
    """Whatever is decided, each counts; another agency has its own."""
    city = limited(city, bundle, agency=some(3))
    assert 3 == asked(city, 5)
    assert 3 == asked(city, 4, "sample-unsigned-pd")  # all denied


def test_an_officer_gets_as_many_as_his_limit(city: City, bundle: Bundle) -> None:
    """However the badge is spelled; his colleagues, and an equal badge of another agency, have their own."""
    city = limited(city, bundle, officer=some(2))
    assert 2 == asked(city, 3)
    assert 0 == asked(city, 1, requester__badge=" 44-11 ")
    assert 2 == asked(city, 3, requester__badge="4412")
    assert 2 == asked(city, 3, "sample-unsigned-pd")


def test_a_badge_of_signs_only_is_told_apart_by_the_name(city: City, bundle: Bundle) -> None:
    """Else all who type none would share one bucket, or one officer have two."""
    city = limited(city, bundle, officer=some(1))
    assert 1 == asked(city, 2, requester__badge="--", requester__name="Pat Example")
    assert 1 == asked(city, 2, requester__badge="#", requester__name="Lee Example")


def test_each_kind_of_query_has_its_limit(city: City, bundle: Bundle) -> None:
    """Places used up leave plates, and the other way about."""
    city = limited(city, bundle, place=some(1), plate=some(2))
    assert 1 == asked(city, 2, **at_a_place())
    assert 2 == asked(city, 3)


def test_a_dry_run_counts(city: City, bundle: Bundle) -> None:
    """Else every limit could be tried out for nothing."""
    city = limited(city, bundle, agency=some(2))
    city.ask(body(), dry_run=True)
    assert 1 == asked(city, 2)
    with pytest.raises(QuotaExceeded):
        city.ask(body(), dry_run=True)


def test_who_is_over_a_limit_leaves_no_trace_but_a_count(city: City, bundle: Bundle) -> None:
    """No entry, no row, no record: one entry a minute says how often, for each agency, without a person."""
    counted = Refusals(city.state.ledger)
    city = limited(city, bundle, agency=some(1), officer=some(1)).with_gate(over=counted.over)
    city.ask(body())
    before, fetched = len(city.events()), len(city.reads.asked)
    for _ in range(7):
        with pytest.raises(QuotaExceeded) as refused:
            city.ask(body())
    assert ("agency", "officer") == refused.value.violated
    assert refused.value.wait_seconds > 80_000
    assert before == len(city.events())
    assert fetched == len(city.reads.asked)
    counted.count("expired")
    counted.flush()
    counted.flush()
    told = [{name: e.get(name) for name in ("agency", "reasons", "over")} for e in city.events()[before:]]
    assert [
        {"agency": None, "reasons": {"expired": 1}, "over": None},
        {"agency": AGENCY, "reasons": None, "over": {"agency": 7, "officer": 7}},
    ] == told


def test_a_repeated_request_is_no_new_query(city: City, bundle: Bundle) -> None:
    """Who lost an answer can have it though the limit is used up; how often has a limit of its own."""
    city = limited(city, bundle, agency=some(1), again=some(3))
    first = city.ask(body(), idempotency_key="k-1")
    assert 0 == asked(city, 1)
    again = [answered(lambda: city.ask(body(), idempotency_key="k-1")) for _ in range(5)]
    assert [True, True, True, False, False] == again
    assert ["agency", "plate", "officer"] == [one.limit.name for one in first.left]
    with pytest.raises(QuotaExceeded) as refused:
        city.ask(body(), idempotency_key="k-1")
    assert (AGAIN,) == refused.value.violated


def test_a_further_page_is_no_new_query(city: City, bundle: Bundle) -> None:
    """The pages of one answer come though the limit is used up, and are counted apart."""
    city = limited(city, bundle, agency=some(1), again=some(1))
    first = json.loads(city.ask(body()).body)
    page = further_records(city.gate, city.presented(AGENCY), first["query_id"], first["next"])
    assert ["again"] == [one.limit.name for one in page.left]
    following = json.loads(page.body)["next"]
    with pytest.raises(QuotaExceeded):
        further_records(city.gate, city.presented(AGENCY), first["query_id"], following)


def test_the_same_key_at_once_spends_one(city: City, bundle: Bundle) -> None:
    """Of equal requests in flight one is a query: the others are refused or repeat it, and pay no query."""
    city = limited(city, bundle, agency=some(2))
    ends: list[object] = []

    def ask() -> None:
        try:
            ends.append(city.ask(body(), idempotency_key="k-1"))
        except IdempotencyInFlight as refused:
            ends.append(refused)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 8 == len(ends)
    assert 1 == asked(city, 3)


def test_a_query_decided_anew_spends_once(city: City, bundle: Bundle) -> None:
    """A registry that changed between decision and release is not the agency's doing."""
    city = limited(city, bundle, agency=some(2))
    tries: list[None] = []

    def change() -> None:
        tries.append(None)
        if len(tries) == 1:
            raise Superseded

    city.reads.on_fetch = change
    assert 200 == city.ask(body()).status
    assert 2 == len(tries)
    assert 1 == asked(city, 3)


def test_a_missing_child_is_searched_for_though_others_used_the_limit_up(city: City, bundle: Bundle) -> None:
    """The reserve of every limit is for what the city calls urgent; that has an end too."""
    city = limited(city, bundle, agency=some(4, 2), plate=some(4, 2), officer=some(9, 2))
    assert 2 == asked(city, 5)
    assert 0 == asked(city, 1, requester__badge="77")
    assert 2 == asked(city, 4, requester__badge="77", **missing())
    assert 0 == asked(city, 1)


def test_no_purpose_is_urgent_that_the_city_does_not_name(city: City, bundle: Bundle) -> None:
    """A city that names none keeps its reserve for nobody."""
    city = limited(city, bundle, agency=some(4, 2), urgent=[])
    assert 2 == asked(city, 5, **missing())


def test_an_agency_has_its_own_limits_before_its_kinds(city: City, bundle: Bundle) -> None:
    """What differs is written for one agency, or for a kind; the rest stays."""
    city = limited(
        city,
        bundle,
        agency=some(3),
        kinds={"local": {"agency": some(2)}},
        agencies={"sample-wi-pd": {"agency": some(1)}},
    )
    assert [2, 1, 3] == [asked(city, 4, one) for one in (AGENCY, "sample-wi-pd", "sample-fusion")]


def test_a_law_without_quotas_answers_nothing(city: City, bundle: Bundle) -> None:
    """A threshold that nobody wrote down is not an endless one."""
    with pytest.raises(PolicyUnavailable):
        limited(city, bundle, quotas=None).ask(body())
    assert [] == city.reads.asked


def test_a_bucket_that_cannot_be_read_releases_nothing(city: City, bundle: Bundle) -> None:
    """A broken table is no full bucket."""
    city = limited(city, bundle)
    city.ask(body())
    with city.state.database.write() as connection:
        connection.exec_driver_sql("UPDATE quota_buckets SET used = 'many' WHERE officer_fp = x''")
    fetched = len(city.reads.asked)
    with pytest.raises(StoreUnavailable):
        city.ask(body())
    assert fetched == len(city.reads.asked)


def test_the_row_of_an_officer_names_nobody(city: City, bundle: Bundle) -> None:
    """A fingerprint under the day's key, and that day: what a purge removes."""
    limited(city, bundle).ask(body())
    with city.state.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT officer_fp, bucket, day FROM quota_buckets").all()
    assert {"agency", "plate", "officer"} == {row.bucket for row in rows}
    officer = next(row for row in rows if row.bucket == "officer")
    assert 32 == len(officer.officer_fp)
    assert officer.day == str(city.state.clock.now().date())
    assert all(row.day is None for row in rows if row is not officer)


def test_the_shipped_limits_are_whole(bundle: Bundle) -> None:
    """No officer alone can use up the reserve of an agency or a kind, which is for everybody's urgent."""
    limits = Quotas.of(bundle.data, AGENCY, "local").limits
    assert set(LIMITS) == limits.keys()
    assert all(limits["officer"].capacity <= limits[name].reserve for name in ("agency", "plate", "place"))
    assert frozenset({"missing_or_endangered_person"}) == Quotas.of(bundle.data, AGENCY, "local").urgent
