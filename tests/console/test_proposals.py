"""A clerk can confirm in the console whatever the law may want two people for, and understands what it is."""

from __future__ import annotations

import html
import json
import re
from typing import Any, get_args

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from gatekeeper.cli.agency import entering as new_agency
from gatekeeper.cli.client import entering, further
from gatekeeper.cli.client_credentials import certificate_of, public_key
from gatekeeper.exchange.certificate_names import ALG
from gatekeeper.oversight.changes import ACTS, Act, Change
from gatekeeper.oversight.issuers import Known, adding, exchanging, reinstating
from gatekeeper.parts import changing, issuers
from gatekeeper.policy import shipped_policies
from gatekeeper.web.console.change_facts import DOES, facts_of
from gatekeeper.web.console.sessions import form_token
from tests.console.conftest import Browser, Staffed
from tests.console.test_agency_life import WHY, _suspend
from tests.exchange.test_issuers import terms

ONE = "sample-il-pd"
SHERIFF = "https://login.sheriff.example.gov"
SPANISH = {"Accept-Language": "es"}
KEY = public_key(ECKey.generate_key("P-256").as_pem(private=False))
TOLD: dict[Act, tuple[str, str]] = {
    "add_agency": ("enters the registry", "Añadir agencia: maple-grove-pd"),
    "change_agency": ("What is recorded of the agency", "Lo que consta de la agencia"),
    "change_287g": ("agreement under 8 USC 1357(g)", "acuerdo según 8 USC 1357(g)"),
    "reinstate_agency": ("judged again as every other", "Las solicitudes de la agencia"),
    "close_agency": ("closed for good", "se cierra para siempre"),
    "add_client": ("one more client", "un cliente más"),
    "add_key": ("one more key", "una clave más"),
    "add_issuer": ("on the terms that stand here", "en las condiciones que constan aquí"),
    "change_issuer": ("gets other keys", "recibe otras claves"),
    "reinstate_issuer": ("count again", "vuelven a valer"),
}


def _change(staffed: Staffed, act: Act) -> Change:  # noqa: C901  (one line or two for each act)
    """Return one that can be made in the city as it stands."""
    match act:
        case "add_agency":
            return new_agency("maple-grove-pd", name="Maple Grove", kind="tribal", contacts=("a@b.example",))
        case "change_agency":
            return Change(act, ONE, {"contacts": ["chief@sample.example"]})
        case "change_287g":
            return Change(act, ONE, {"has_287g": True, "source_287g": "https://list.example"})
        case "reinstate_agency":
            _suspend(staffed)
            return Change(act, ONE)
        case "close_agency":
            return Change(act, ONE)
        case "add_client":
            return entering(ONE, key=certificate_of("san_dns", "client.sample.example"), profile="fapi")
        case "add_key":
            owner = staffed.city.state.registry.client(staffed.city.clients[ONE])
            assert owner is not None
            return further(owner, KEY)
        case "add_issuer":
            return adding(SHERIFF, _terms(staffed))
        case "change_issuer":
            return exchanging(_taken_in(staffed), {"jwks": {"keys": [{**KEY.jwk, "kid": "next"}]}})
        case "reinstate_issuer":
            known = _taken_in(staffed)
            issuers(staffed.city.state).end(SHERIFF, "suspended", reason=WHY, by="o")
            return reinstating(known)


def _terms(staffed: Staffed) -> dict[str, Any]:
    made = changing(staffed.city.state, dict).alone(entering(ONE, key=KEY, profile="fapi"), by="o").made
    return terms(staffed.city, clients={"app": made["client_id"]})


def _taken_in(staffed: Staffed) -> Known:
    changing(staffed.city.state, dict).alone(adding(SHERIFF, _terms(staffed)), by="o", reason=WHY)
    return Known.of(staffed.city.state.registry.snapshot(), SHERIFF)


def _confirm(browser: Browser, where: str, **typed: str) -> TestResponse:
    cookie = browser.client.get_cookie("gatekeeper")
    assert cookie is not None
    sent = {"reason": WHY, "sure": "yes", "act": "go"} | typed
    return browser.client.post(where, data={"form": form_token(cookie.value), **sent})


def test_these_are_all_that_a_city_may_want_two_people_for() -> None:
    """By the schema of its data; a further one has its words here, or this fails."""
    schema = json.loads((shipped_policies() / "schema" / "city.json").read_text("utf-8"))
    assert [*ACTS] == schema["properties"]["two_people_for"]["items"]["enum"]
    assert {*ACTS} == {*get_args(Act)} == TOLD.keys() == DOES.keys()


@pytest.mark.parametrize("act", ACTS)
def test_each_is_read_and_confirmed_in_the_console(staffed: Staffed, act: Act) -> None:
    """In words, in both languages, without a code of ours; and it is done."""
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    acts = changing(staffed.city.state, lambda: {"two_people_for": [*ACTS]})
    change = _change(staffed, act)
    assert acts.takes_two(change)
    proposal = acts.propose(change, first.made.account, WHY)
    where = f"/console/changes/{proposal}"
    english, spanish = (
        html.unescape(second.client.get(where, headers=headers).text) for headers in ({}, SPANISH)
    )
    said, told = TOLD[act]
    assert said in english
    assert told in spanish
    listed = html.unescape(second.client.get("/console/agencies", headers=SPANISH).text)
    assert where in listed
    for page in (english, spanish):
        facts = re.search(r'<dl class="console-facts">.*?</dl>', page, re.DOTALL)
        assert facts is not None
        assert not re.search(r'null|true|false|\{"|_287g|_agency|add_', facts[0])
    assert "Step 2 of 2" in _confirm(second, where, sure="").text
    assert 303 == _confirm(second, where).status_code
    found = acts.store.get(proposal)
    assert found is not None
    assert "done" == found.state


def test_what_is_overwritten_stands_beside_what_it_becomes(staffed: Staffed) -> None:
    """A flag as yes or no, contacts as they are; what is not changed is not told."""
    first, second = staffed.signed_in("records"), staffed.signed_in("legal", name="Lee Other")
    acts = changing(staffed.city.state, lambda: {"two_people_for": [*ACTS]})
    change = Change("change_287g", ONE, {"has_287g": True, "contacts": ["chief@sample.example"]})
    where = f"/console/changes/{acts.propose(change, first.made.account, WHY)}"
    shown = second.client.get(where).text
    assert re.search(r"Has 287g</dt><dd[^>]*>yes \(now: no\)<", shown)
    assert re.search(r"Contacts</dt><dd[^>]*>chief@sample.example \(now: nothing\)<", shown)
    spanish = second.client.get(where, headers=SPANISH).text
    assert "sí (ahora: no)" in spanish
    assert "(ahora: nada)" in spanish


def _content(act: Act, **content: Any) -> dict[str, str]:
    return {fact.name: fact.text for fact in facts_of(Change(act, ONE, content), None)}


def test_a_key_is_told_by_what_it_is_compared_by() -> None:
    """Its thumbprint, its id, its last day; a certificate's by the name in it; nothing is hidden."""
    key = {"kid": KEY.kid, "alg": KEY.alg, "jwk": dict(KEY.jwk)}
    thumbprint = ECKey.import_key(
        {n: v for n, v in KEY.jwk.items() if n in {"kty", "crv", "x", "y"}}
    ).thumbprint()
    told = _content("add_key", client="client-1", key=key)
    assert {"client": "client-1", "key id": KEY.kid, "algorithm": "ES256", "thumbprint": thumbprint} == told
    dated = _content("add_key", key={**key, "jwk": {**KEY.jwk, "exp": 1_900_000_000}})
    assert "2030-03-17" == dated["last day"]
    named = certificate_of("san_dns", "client.sample.example")
    told = _content("add_client", key={"kid": named.kid, "alg": ALG, "jwk": dict(named.jwk)})
    assert {"key id": named.kid, "name in the certificate": "san_dns client.sample.example"} == told
    assert "shown once" in _content("add_client", key=None)["key"]


@pytest.mark.parametrize(
    "key",
    ["x", 7, [], {}, {"jwk": 7}, {"jwk": {}}, {"jwk": {"kty": "EC", "exp": 10**30}}, {"jwk": {"kty": None}}],
)
def test_a_key_of_another_shape_is_shown_as_it_is(key: Any) -> None:
    """The page never fails on what a proposal's entry says."""
    assert _content("add_key", key=key)


def test_what_this_page_does_not_know_is_shown_as_it_is() -> None:
    """A part of a change that is younger than the page is not left out."""
    assert {"later": '{"a": 1}'} == _content("change_agency", later={"a": 1})
