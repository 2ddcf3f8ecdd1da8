"""Limits as an agency meets them: header fields, the refusal, and what it is shown of itself."""

from __future__ import annotations

import json
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.policy import Bundle
from tests.exchange.city import City, body
from tests.exchange.test_quotas import AGENCY, limited, missing, some

# RFC 9651: a list of strings, each with whole numbers for parameters.
ITEM = r'"[a-z]+"(?:;[a-z]+=[0-9]{1,15})+'
FIELD = re.compile(rf"{ITEM}(?:, {ITEM})*\Z")


def served(city: City) -> FlaskClient:
    """Serve a city in this process."""
    return application(city.state, city.gate, city.tokens, lambda _: None).test_client()


def ask(http: FlaskClient, city: City, path: str = "/v1/queries", **changes: Any) -> TestResponse:
    """Ask over HTTP."""
    return http.post(path, json=body(**changes), headers={"Authorization": city.header(AGENCY)})


def get(http: FlaskClient, city: City, path: str) -> TestResponse:
    """Read over HTTP."""
    return http.get(path, headers={"Authorization": city.header(AGENCY)})


def fields(value: str) -> dict[str, dict[str, int]]:
    """Read a header field strictly."""
    assert FIELD.match(value), value
    found = {}
    for item in value.split(", "):
        name, *parameters = item.split(";")
        numbers = (one.partition("=") for one in parameters)
        found[name.strip('"')] = {key: int(number) for key, _, number in numbers}
    return found


def test_each_answer_to_a_query_says_what_is_left(city: City, bundle: Bundle) -> None:
    """Permitted, denied and tried: the policy of each limit, and what is left of it for who asked."""
    city = limited(city, bundle, agency=some(5), officer=some(4), plate=some(3))
    http = served(city)
    answers = [
        ask(http, city),
        ask(http, city, purpose__case_number="n/a"),
        ask(http, city, "/v1/queries?dry_run=true"),
    ]
    assert [200, 403, 200] == [answer.status_code for answer in answers]
    for number, answer in enumerate(answers, start=1):
        written = fields(answer.headers["RateLimit-Policy"])
        assert {"q": 5, "w": 86_400} == written["agency"]
        assert ["agency", "plate", "officer"] == list(written)
        left = fields(answer.headers["RateLimit"])
        assert {"agency": 5 - number, "plate": 3 - number, "officer": 4 - number} == {
            name: one["r"] for name, one in left.items()
        }
        assert all(0 < one["t"] <= 86_400 for one in left.values())


def test_who_is_over_a_limit_hears_which_and_until_when(city: City, bundle: Bundle) -> None:
    """429: a problem document with the limit's name, Retry-After, and the same in the fields."""
    city = limited(city, bundle, plate=some(1))
    http = served(city)
    assert 200 == ask(http, city).status_code
    over = ask(http, city)
    assert (429, "application/problem+json") == (over.status_code, over.mimetype)
    document = json.loads(over.data)
    assert "/docs#problem-too_many_requests" == document["type"]
    assert ["plate"] == document["violated-policies"]
    wait = int(over.headers["Retry-After"])
    assert 86_000 < wait <= 86_400
    assert wait == document["retry_after"]
    assert {"r": 0, "t": wait} == fields(over.headers["RateLimit"])["plate"]
    assert 99 == fields(over.headers["RateLimit"])["agency"]["r"]
    for secret in ("DEMO1", "Pat", "4411"):
        assert secret not in over.text + str(over.headers)


def test_a_further_page_says_what_is_left_of_its_own_limit(city: City, bundle: Bundle) -> None:
    """Pages are counted apart from queries."""
    city = limited(city, bundle, again=some(1))
    http = served(city)
    first = json.loads(ask(http, city).data)
    path = f"/v1/queries/{first['query_id']}/records?cursor="
    page = get(http, city, path + first["next"])
    assert {"again"} == fields(page.headers["RateLimit"]).keys()
    assert 429 == get(http, city, path + json.loads(page.data)["next"]).status_code


def test_what_spends_nothing_says_nothing(city: City, bundle: Bundle) -> None:
    """Where a query stands may be looked up as often as wanted."""
    city = limited(city, bundle, agency=some(1))
    http = served(city)
    found = json.loads(ask(http, city).data)["query_id"]
    looked = [get(http, city, f"/v1/queries/{found}") for _ in range(3)]
    assert {200} == {answer.status_code for answer in looked}
    assert all("RateLimit" not in answer.headers for answer in looked)
    assert [422, 422] == [
        http.post("/v1/queries", json={}, headers={"Authorization": city.header(AGENCY)}).status_code
        for _ in range(2)
    ]


def test_an_agency_sees_what_is_left_of_its_limits(city: City, bundle: Bundle) -> None:
    """Its own, with the reserve apart; of an officer's limit only how large it is."""
    city = limited(city, bundle, agency=some(5, 2), officer=some(4), place=some(7))
    http = served(city)
    ask(http, city)
    ask(http, city, **missing())
    shown = {one["limit"]: one for one in json.loads(get(http, city, "/v1/agency").data)["quotas"]}
    assert ["agency", "officer", "plate", "place", "again"] == list(shown)
    own = {"limit": "agency", "capacity": 5, "refill": 5, "per": "day", "reserve": 2}
    assert own | {"left": 1, "left_for_urgent": 3} == shown["agency"]
    assert {"left", "left_for_urgent"}.isdisjoint(shown["officer"])
    assert (7, 98) == (shown["place"]["left"], shown["plate"]["left"])
    other = http.get("/v1/agency", headers={"Authorization": city.header("sample-wi-pd")})
    assert 3 == json.loads(other.data)["quotas"][0]["left"]


def test_limits_that_cannot_be_read_are_not_shown_as_whole(city: City, bundle: Bundle) -> None:
    """A table that is gone is 503, not a full bucket."""
    city = limited(city, bundle)
    with city.state.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE quota_buckets")
    http = served(city)
    for answer in (get(http, city, "/v1/agency"), ask(http, city)):
        assert 503 == answer.status_code
        assert "RateLimit" not in answer.headers
