"""Access tokens of an agency's own identity provider: what counts, and every way that must not."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gatekeeper.cli import client
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.errors import (
    InsufficientScope,
    InvalidRequest,
    OfficerRefused,
    OperatorError,
    Unauthenticated,
)
from gatekeeper.exchange import Answer, answer
from gatekeeper.exchange.authenticate import REASONS
from gatekeeper.exchange.presented import Presented
from gatekeeper.ledger import Draft
from gatekeeper.policy import Bundle
from gatekeeper.state import State
from gatekeeper.store import administration
from tests.exchange import test_officer, test_proofs
from tests.exchange.city import City, body, founded, set_status
from tests.exchange.providers import Providers
from tests.oauth.city import ath, public, sign

URL, OTHER = "https://login.sheriff.example.gov/realms/alpr", "https://portal.example.gov"
AGENCY, ELSEWHERE = "sample-il-pd", "sample-wi-pd"
WHY = "Agreement with the sheriff of 3 November"
HOLDER = ECKey.generate_key("P-256")
EC, ED, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
OTHERS, STRANGER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")


def named(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """Return a public key as a member of a JWK set."""
    return {**key.as_dict(private=False), "kid": kid, **more}


KEYS = {"keys": [named(EC, "ec"), named(ED, "ed"), named(RSA, "rsa", alg="PS256")]}


def terms(city: City, **changes: Any) -> dict[str, Any]:
    """Return terms for the Illinois department's provider."""
    return {
        "audience": city.state.settings.issuer,
        "algorithms": ["ES256", "PS256", "EdDSA"],
        "types": ["at+jwt"],
        "max_life": 3600,
        "bearer": False,
        "client_claim": "client_id",
        "clients": {"alpr-app": city.clients[AGENCY]},
        "agencies": [AGENCY],
        "agency_claim": None,
        "agency_values": {},
        "scope_claim": "scope",
        "required": {},
        "officer": {name: name for name in ("name", "badge", "role", "training", "sid", "auth_time")},
        "jwks": KEYS,
    } | changes


@dataclass(frozen=True, slots=True)
class Town:
    """A city that took two providers in: one of the Illinois department, one of the Wisconsin one."""

    city: City

    def token(
        self, header: dict[str, Any] | None = None, key: Any = EC, text: str | None = None, **changes: Any
    ) -> str:
        """Return a signed access token; a change to None leaves a claim out."""
        now = int(datetime.now(UTC).timestamp())
        claims: dict[str, Any] = {
            "iss": URL,
            "aud": self.city.state.settings.issuer,
            "sub": "service-account",
            "client_id": "alpr-app",
            "scope": "reads:query",
            "jti": secrets.token_urlsafe(9),
            "iat": now,
            "exp": now + 600,
            "cnf": {"jkt": HOLDER.thumbprint()},
        } | changes
        said = {name: value for name, value in claims.items() if value is not None}
        own = {"typ": "at+jwt", "alg": "ES256", "kid": "ec"} | (header or {})
        return sign(own, said if text is None else text, key)

    def presented(self, token: str, holder: Any = HOLDER, **proof: Any) -> Presented:
        """Return the token with a good proof of a key."""
        uri, now = self.city.state.settings.issuer + "/v1/queries", int(datetime.now(UTC).timestamp())
        said = {
            "htm": "POST",
            "htu": uri,
            "iat": now,
            "jti": secrets.token_urlsafe(9),
            "nonce": self.city.gate.verifier.nonces.fresh(now),
            "ath": ath(token),
        } | proof
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(holder)}
        return Presented(f"DPoP {token}", sign(header, said, holder), "POST", uri)

    def ask(self, token: str, **changes: Any) -> Answer:
        """Ask with it for the sample plate."""
        return self.send(self.presented(token), **changes)

    def send(self, presented: Presented, **changes: Any) -> Answer:
        """Ask for the sample plate."""
        return answer(self.city.gate, presented, json.dumps(body(**changes)).encode())

    def refused(self, token: str) -> str:
        """Return why it is refused."""
        with pytest.raises(Unauthenticated) as refused:
            self.ask(token)
        return refused.value.reason


def found_town(directory: Any, bundle: Bundle) -> Town:
    """Found the city and take the providers in."""
    opened = founded(directory, bundle)
    clients = dict(opened.clients)
    for agency_id in (AGENCY, ELSEWHERE):
        key = public_key(ECKey.generate_key("P-256").as_pem(private=False))
        made = client.register(opened.state, agency_id, key=key, profile="fapi")
        clients[agency_id] = made.client.id
    city = opened.with_clients(clients)
    act = Providers(city.state)
    act.add(URL, terms(city), reason=WHY, by="test")
    elsewhere = {"agencies": [ELSEWHERE], "clients": {"alpr-app": clients[ELSEWHERE]}}
    keys = {"keys": [named(OTHERS, "ec")]}
    act.add(OTHER, terms(city, **elsewhere, jwks=keys), reason=WHY, by="test")
    return Town(city)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[Town]:
    """One town for all that changes nothing in the registry."""
    made = found_town(tmp_path_factory.mktemp("issuers") / "city", bundle)
    yield made
    made.city.state.close()


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[Town]:
    """A town of the test's own."""
    made = found_town(tmp_path_factory.mktemp("issuers") / "city", bundle)
    yield made
    made.city.state.close()


ALGORITHMS: dict[str, tuple[dict[str, Any], Any]] = {
    "ES256": ({"kid": "ec"}, EC),
    "PS256": ({"alg": "PS256", "kid": "rsa"}, RSA),
    "EdDSA": ({"alg": "EdDSA", "kid": "ed"}, ED),
    "Ed25519": ({"alg": "Ed25519", "kid": "ed"}, ED),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_token_of_a_registered_issuer_counts(town: Town, name: str) -> None:
    """It asks as our client of its name, and as that client's agency."""
    header, key = ALGORITHMS[name]
    assert 200 == town.ask(town.token(header, key)).status
    decided = [e for e in town.city.events() if e["event"] == "query.decided"][-1]
    assert AGENCY == decided["agency"]


def test_the_citys_own_tokens_count_beside_them(town: Town) -> None:
    """By our own keys, as before."""
    scheme, token = town.city.header(AGENCY, cnf={"jkt": HOLDER.thumbprint()}).split(" ")
    assert "Bearer" == scheme
    assert 200 == town.ask(token).status


def moment() -> int:
    """Return this second: a table that is made at import is old by the time that it is tried."""
    return int(datetime.now(UTC).timestamp())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _with_header(town: Town, **header: Any) -> str:
    _, payload, signature = town.token().split(".")
    head = {"typ": "at+jwt", "alg": "ES256", "kid": "ec"} | header
    return f"{_b64(json.dumps(head).encode())}.{payload}.{signature}"


def _by_hmac(town: Town) -> str:
    head, payload, _ = town.token().split(".")
    head = _b64(json.dumps({"typ": "at+jwt", "alg": "HS256", "kid": "ec"}).encode())
    secret = EC.as_pem(private=False)
    return f"{head}.{payload}.{_b64(hmac.digest(secret, f'{head}.{payload}'.encode(), sha256))}"


def _changed(town: Town, **claims: Any) -> str:
    head, payload, signature = town.token().split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{head}.{_b64(json.dumps(said | claims).encode())}.{signature}"


ATTACKS: dict[str, tuple[Callable[[Town], str], str]] = {
    "alg none": (lambda t: _with_header(t, alg="none"), "algorithm"),
    "alg none, no signature": (
        lambda t: _with_header(t, alg="none").rpartition(".")[0] + ".",
        "malformed",
    ),
    "HS256 with the public key": (_by_hmac, "algorithm"),
    "RS256": (lambda t: _with_header(t, alg="RS256", kid="rsa"), "algorithm"),
    "the other issuer's key": (lambda t: t.token(key=OTHERS), "signature"),
    "a stranger's key": (lambda t: t.token(key=STRANGER), "signature"),
    "our own key's name": (lambda t: t.token({"kid": t.city.tokens.signing()[0]}), "unknown_key"),
    "signed with our own key": (
        lambda t: t.token({"kid": t.city.tokens.signing()[0]}, t.city.tokens.signing()[1]),
        "unknown_key",
    ),
    "an unknown kid": (lambda t: t.token({"kid": "other"}), "unknown_key"),
    "no kid": (lambda t: t.token({"kid": ""}), "unknown_key"),
    "a kid that is a path": (lambda t: t.token({"kid": "../../etc/passwd"}), "unknown_key"),
    "a kid that is a statement": (lambda t: t.token({"kid": "ec' OR '1'='1"}), "unknown_key"),
    "a kid that is a number": (lambda t: t.token({"kid": 7}), "header"),
    "an elliptic key for PS256": (lambda t: t.token({"alg": "PS256"}, RSA), "algorithm"),
    "an RSA key for ES256": (lambda t: t.token({"kid": "rsa"}), "algorithm"),
    "an embedded key": (lambda t: t.token({"jwk": public(STRANGER)}, STRANGER), "header"),
    "a key's address": (lambda t: t.token({"jku": "https://x.invalid/jwks"}, STRANGER), "header"),
    "a certificate's address": (lambda t: t.token({"x5u": "https://x.invalid"}, STRANGER), "header"),
    "a certificate": (lambda t: t.token({"x5c": ["MII"]}, STRANGER), "header"),
    "crit": (lambda t: t.token({"crit": ["exp"]}), "header"),
    "b64": (lambda t: _with_header(t, b64="false"), "header"),
    "an unknown issuer": (lambda t: t.token(iss="https://x.invalid"), "unknown_key"),
    "no issuer": (lambda t: t.token(iss=None), "unknown_key"),
    "an issuer that is a list": (lambda t: t.token(iss=[URL]), "unknown_key"),
    "an issuer with a slash": (lambda t: t.token(iss=URL + "/"), "unknown_key"),
    "an issuer in other letters": (lambda t: t.token(iss=URL.upper()), "unknown_key"),
    "our own issuer": (lambda t: t.token(iss=t.city.state.settings.issuer), "unknown_key"),
    "replayed at the other issuer": (lambda t: t.token(iss=OTHER), "signature"),
    "the payload exchanged": (lambda t: _changed(t, client_id="other"), "signature"),
    "a list of audiences": (lambda t: t.token(aud=[t.city.state.settings.issuer]), "audience"),
    "two audiences": (lambda t: t.token(aud=[t.city.state.settings.issuer, "x"]), "audience"),
    "another audience": (lambda t: t.token(aud="alpr-app"), "audience"),
    "no audience": (lambda t: t.token(aud=None), "audience"),
    "an end that is a fraction": (lambda t: t.token(exp=moment() + 99.5), "claims"),
    "an end that is a text": (lambda t: t.token(exp=str(moment() + 99)), "claims"),
    "a time that is true": (lambda t: t.token(iat=True), "claims"),
    "an end beyond all bounds": (lambda t: t.token(exp=10**30), "life_too_long"),
    "no end": (lambda t: t.token(exp=None), "claims"),
    "no beginning": (lambda t: t.token(iat=None), "claims"),
    "two hours": (lambda t: t.token(exp=moment() + 7200), "life_too_long"),
    "expired": (lambda t: t.token(iat=moment() - 700, exp=moment() - 100), "expired"),
    "not yet valid": (lambda t: t.token(iat=moment() + 300, exp=moment() + 600), "not_yet_valid"),
    "not before": (lambda t: t.token(nbf=moment() + 300), "not_yet_valid"),
    "no jti": (lambda t: t.token(jti=None), "claims"),
    "a jti that is a number": (lambda t: t.token(jti=1), "claims"),
    "no subject": (lambda t: t.token(sub=None), "claims"),
    "a subject that is a list": (lambda t: t.token(sub=["x"]), "claims"),
    "no client": (lambda t: t.token(client_id=None), "issuer_client"),
    "an unknown client": (lambda t: t.token(client_id="other-app"), "issuer_client"),
    "our own name of the client": (lambda t: t.token(client_id=t.city.clients[AGENCY]), "issuer_client"),
    "our own name of another's client": (
        lambda t: t.token(client_id=t.city.clients[ELSEWHERE]),
        "issuer_client",
    ),
    "a client that is a list": (lambda t: t.token(client_id=["alpr-app"]), "issuer_client"),
    "a client named None": (lambda t: t.token(client_id="None"), "issuer_client"),
    "scopes that are a list": (lambda t: t.token(scope=["reads:query"]), "claims"),
    "an identity token by its type": (lambda t: t.token({"typ": "JWT"}), "type"),
    "an identity token by its nonce": (lambda t: t.token(nonce="n"), "issuer_identity_token"),
    "an identity token by its hash": (lambda t: t.token(at_hash="x"), "issuer_identity_token"),
    "a client assertion": (lambda t: t.token({"typ": "client-authentication+jwt"}), "type"),
    "no type": (lambda t: t.token({"typ": ""}), "type"),
    "bound to nothing": (lambda t: t.token(cnf=None), "wrong_scheme"),
    "bound in a way that is not ours": (lambda t: t.token(cnf={"jwk": public(HOLDER)}), "bound"),
    "bound to an empty name": (lambda t: t.token(cnf={}), "bound"),
    "bound to another key": (lambda t: t.token(cnf={"jkt": STRANGER.thumbprint()}), "proof_key"),
    "bound to a certificate as well": (
        lambda t: t.token(cnf={"jkt": HOLDER.thumbprint(), "x5t#S256": "x" * 43}),
        "certificate_missing",
    ),
    "details that are none": (lambda t: t.token(authorization_details=[{"type": "x"}]), "claims"),
    "oversized": (lambda t: t.token(roles="x" * 5000), "oversized"),
    "a payload that is no JSON": (lambda t: t.token(text="{"), "unknown_key"),
    "a member twice": (
        lambda t: t.token(text=f'{{"iss": "{URL}", "iss": "{OTHER}"}}'),
        "unknown_key",
    ),
    "a badge that is a number": (lambda t: t.token(badge=4411, name="Pat Example"), "issuer_officer"),
    "half an officer": (lambda t: t.token(name="Pat Example"), "issuer_officer"),
    "an officer without a session": (lambda t: t.token(name="Pat Example", badge="4411"), "issuer_officer"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_no_token_of_that_issuer_is_refused(town: Town, name: str) -> None:
    """401 with a cause of ours; nothing is decided or fetched."""
    make, reason = ATTACKS[name]
    before = len(town.city.events())
    assert reason == town.refused(make(town))
    assert reason in REASONS
    assert before == len(town.city.events())


def test_the_table_of_attacks_is_as_long_as_it_should_be() -> None:
    """Thirty were asked for."""
    assert len(ATTACKS) >= 60


def test_a_bound_token_without_its_key_is_a_stolen_one(town: Town) -> None:
    """As a bearer token, and with a proof of another key."""
    token = town.token()
    with pytest.raises(Unauthenticated, match="bound"):
        town.send(Presented(f"Bearer {token}"))
    with pytest.raises(Unauthenticated, match="proof_key"):
        town.send(town.presented(token, STRANGER))
    assert 200 == town.ask(token).status


def test_a_token_bound_to_nothing_is_refused_as_a_bearer_token_too(town: Town) -> None:
    """The terms say so, whatever the profile of our client."""
    with pytest.raises(Unauthenticated, match="bound"):
        town.send(Presented(f"Bearer {town.token(cnf=None)}"))


def test_it_brings_no_scope_that_our_client_does_not_have(town: Town) -> None:
    """And none that it does not name."""
    with pytest.raises(InsufficientScope):
        town.ask(town.token(scope="ledger:read admin"))
    with pytest.raises(InsufficientScope):
        town.ask(town.token(scope=None))


def test_each_provider_speaks_for_its_own_agency_alone(town: Town) -> None:
    """The same name of a client leads to another client of ours, by who signed."""
    town.ask(town.token(iss=OTHER, key=OTHERS))
    decided = [e for e in town.city.events() if e["event"] == "query.decided"][-1]
    assert ELSEWHERE == decided["agency"]


def test_one_jti_of_two_providers_is_two_tokens(town: Town) -> None:
    """Neither can use up, or revoke, the other's."""
    seen = {
        town.city.state.ledger.detail_of(index).detail["token"]
        for index in (
            _decided(town, town.token(jti="same")),
            _decided(town, town.token(iss=OTHER, key=OTHERS, jti="same")),
        )
    }
    assert 2 == len(seen)


def _decided(town: Town, token: str) -> int:
    town.ask(token)
    return [n for n, e in enumerate(town.city.events()) if e["event"] == "query.decided"][-1]


# --- The officer whom a token proves. ---------------------------------------------------------------------


def officer(**changes: Any) -> dict[str, Any]:
    """Return the claims of an officer who signed in at the provider."""
    return {
        "name": "Pat Example",
        "badge": "4411",
        "role": "detective",
        "training": "2026-10-01",
        "sid": "session-1",
        "auth_time": moment() - 3600,
    } | changes


def test_a_token_may_prove_the_officer(town: Town) -> None:
    """Again and again, for it is a token and no assertion; of the officer whom the query names alone."""
    token = town.token(**officer())
    for _ in range(2):
        assert 200 == town.ask(token).status
        judged = test_officer.judged(town.city)
        assert (True, "detective", 1) == (judged["proved"], judged["role"], judged["session_age_hours"])
    with pytest.raises(InvalidRequest):
        town.ask(token, requester__badge="4412")


def _entry(event: str, client_id: str, agency_id: str = AGENCY) -> Draft:
    clear = {"agency": agency_id, "client": client_id, "profile": "fapi"}
    return Draft(event, "credential_0123456789abcdef", clear, {"by": "test"}, {})


def test_an_assertion_beside_it_must_be_of_the_same_officer(own: Town) -> None:
    """A provider and a key of the agency that say two officers are not both right."""
    key = public_key(test_proofs.KEY.as_pem(private=False))
    owner = own.city.state.registry.client(own.city.clients[AGENCY])
    assert owner is not None
    own.city.state.ledger.append(
        _entry("credential.key_added", owner.id), administration.add_key(owner.id, key)
    )
    token = own.token(**officer())

    def sworn(**changes: Any) -> Presented:
        text = test_officer.assertion(own.city, **changes)
        return replace(own.presented(token), officer=text)

    assert 200 == own.send(sworn()).status
    with pytest.raises(OfficerRefused, match="officer_other"):
        own.send(sworn(badge="4412"))


# --- Terms. -----------------------------------------------------------------------------------------------


def test_what_each_token_must_say_is_asked_of_each(own: Town) -> None:
    """A provider whose identity tokens have the same type tells them apart by a claim."""
    act = Providers(own.city.state)
    act.set_status(URL, "removed", reason=WHY, by="test")
    act.add(URL, terms(own.city, types=["JWT"], required={"typ": "Bearer"}), reason=WHY, by="test")
    assert 200 == own.ask(own.token({"typ": "JWT"}, typ="Bearer")).status
    assert "issuer_claims" == own.refused(own.token({"typ": "JWT"}, typ="ID"))
    assert "issuer_claims" == own.refused(own.token({"typ": "JWT"}))
    assert "type" == own.refused(own.token(typ="Bearer"))


def test_a_portal_of_several_agencies_names_which(own: Town) -> None:
    """The claim and the client must be of one agency."""
    act, clients = Providers(own.city.state), own.city.clients
    act.set_status(URL, "removed", reason=WHY, by="test")
    both = {
        "agencies": [AGENCY, ELSEWHERE],
        "clients": {"il-app": clients[AGENCY], "wi-app": clients[ELSEWHERE]},
        "agency_claim": "org",
        "agency_values": {"illinois": AGENCY, "wisconsin": ELSEWHERE},
    }
    act.add(URL, terms(own.city, **both), reason=WHY, by="test")
    assert 200 == own.ask(own.token(client_id="il-app", org="illinois")).status
    for org in ("wisconsin", "sample-il-pd", None, ["illinois"], "None"):
        assert "issuer_agency" == own.refused(own.token(client_id="il-app", org=org))


def test_bearer_tokens_count_where_the_terms_and_the_profile_say_so(own: Town) -> None:
    """For a client of the profile fapi they never do."""
    act = Providers(own.city.state)
    act.set_status(URL, "removed", reason=WHY, by="test")
    loose = client.register(own.city.state, AGENCY).client
    act.add(
        URL,
        terms(own.city, bearer=True, clients={"loose": loose.id, "alpr-app": own.city.clients[AGENCY]}),
        reason=WHY,
        by="test",
    )
    assert 200 == own.send(Presented(f"Bearer {own.token(cnf=None, client_id='loose')}")).status
    with pytest.raises(Unauthenticated, match="bound"):
        own.send(Presented(f"Bearer {own.token(cnf=None)}"))


# --- Standing. --------------------------------------------------------------------------------------------


def test_a_suspended_issuer_counts_for_nothing_at_once(own: Town) -> None:
    """Its tokens are refused from the next request on; reinstated, they count again; removed, never."""
    act, token = Providers(own.city.state), own.token()
    assert 200 == own.ask(token).status
    act.set_status(URL, "suspended", reason=WHY, by="test")
    assert "issuer_suspended" == own.refused(token)
    act.set_status(URL, "active", reason=WHY, by="test")
    assert 200 == own.ask(token).status
    act.set_status(URL, "removed", reason=WHY, by="test")
    assert "unknown_key" == own.refused(token)
    events = [e for e in own.city.events() if e["event"].startswith("issuer.")][2:]
    assert ["issuer.suspended", "issuer.reinstated", "issuer.removed"] == [e["event"] for e in events]
    assert [[AGENCY]] * 3 == [e["agencies"] for e in events]
    assert URL not in json.dumps(events)


def test_a_name_of_none_maps_nobody(own: Town) -> None:
    """A token without a client is not the client that somebody called None."""
    act = Providers(own.city.state)
    act.set_status(URL, "removed", reason=WHY, by="test")
    act.add(URL, terms(own.city, clients={"None": own.city.clients[AGENCY]}), reason=WHY, by="test")
    assert "issuer_client" == own.refused(own.token(client_id=None))
    assert 200 == own.ask(own.token(client_id="None")).status


def test_other_keys_end_the_old_ones(own: Town) -> None:
    """What was signed with a key that the issuer does not have any more is refused."""
    token = own.token()
    keys = {"keys": [named(ECKey.generate_key("P-256"), "ec"), named(ED, "ed")]}
    Providers(own.city.state).exchange_keys(URL, keys, reason=WHY, by="test")
    assert "signature" == own.refused(token)
    assert 200 == own.ask(own.token({"alg": "EdDSA", "kid": "ed"}, ED)).status


def revoked_of_a_client(state: State, key: Any) -> str:
    """Register a key for a client of the agency and revoke it; return the client's id."""
    made = client.register(state, AGENCY, key=public_key(key.as_pem(private=False)), profile="fapi").client
    assert client.revoke(state, made, "found on a machine that was stolen") is not None
    return made.id


def test_a_key_that_was_revoked_of_a_client_is_no_key_of_an_issuer(own: Town) -> None:
    """Who stole it would come back as whomever the provider speaks for."""
    stolen, act = ECKey.generate_key("P-256"), Providers(own.city.state)
    owner = revoked_of_a_client(own.city.state, stolen)
    keys = {"keys": [named(EC, "ec"), named(stolen, "another")]}
    with pytest.raises(OperatorError, match=f"the key another was revoked, of the client {owner}"):
        act.exchange_keys(URL, keys, reason=WHY, by="test")
    with pytest.raises(OperatorError, match="was revoked"):
        act.add("https://login.third.example", terms(own.city, jwks=keys), reason=WHY, by="test")
    assert "unknown_key" == own.refused(own.token({"kid": "another"}, stolen))


def test_our_client_and_agency_must_stand_as_for_tokens_of_ours(own: Town) -> None:
    """A suspended agency is told so by the policy; a closed one, whose clients are revoked, is not let in."""
    state = own.city.state
    set_status(own.city, AGENCY, "suspended")
    assert "agency_standing" in own.ask(own.token()).provisions
    set_status(own.city, AGENCY, "closed")
    assert "client_revoked" == own.refused(own.token())
    client_id = own.city.clients[ELSEWHERE]
    entry = _entry("credential.revoked", client_id, ELSEWHERE)
    state.ledger.append(entry, administration.revoke_client(client_id))
    assert "client_revoked" == own.refused(own.token(iss=OTHER, key=OTHERS))


UNFIT: dict[str, tuple[str, dict[str, Any], str]] = {
    "our own issuer": ("OWN", {}, "own issuer"),
    "our own issuer with a slash": ("OWN/", {}, "own issuer"),
    "an address without https": ("http://login.example.gov", {}, "https"),
    "an address that is none": ("sheriff", {}, "https"),
    "an address with a user": ("https://a@b.example", {}, "user"),
    "an address with a query": ("https://b.example?x", {}, "query"),
    "one that is registered": (OTHER, {}, "registered already"),
    "a client of another agency": ("https://n.example", {"clients": {"a": "WI"}}, "does not speak"),
    "an unknown client": ("https://n.example", {"clients": {"a": "client-x"}}, "no active client"),
    "no client": ("https://n.example", {"clients": {}}, "at least one client"),
    "an unknown agency": ("https://n.example", {"agencies": ["nobody-pd-x"]}, "no agency"),
    "no agency": ("https://n.example", {"agencies": []}, "each agency"),
    "an agency value that leads elsewhere": (
        "https://n.example",
        {"agency_claim": "org", "agency_values": {"x": ELSEWHERE}},
        "not named",
    ),
    "values without a claim": ("https://n.example", {"agency_values": {"x": AGENCY}}, "belong together"),
    "HS256": ("https://n.example", {"algorithms": ["HS256"]}, "ES256"),
    "RS256 without an RSA key": (
        "https://n.example",
        {"algorithms": ["RS256"], "jwks": {"keys": [named(EC, "ec"), named(RSA, "rsa", alg="PS256")]}},
        "no key of the set can sign by RS256",
    ),
    "no algorithm": ("https://n.example", {"algorithms": []}, "ES256"),
    "identity tokens alike": ("https://n.example", {"types": ["JWT"]}, "--require"),
    "any type": ("https://n.example", {"types": [""]}, "type"),
    "a year": ("https://n.example", {"max_life": 31_536_000}, "86400"),
    "no life": ("https://n.example", {"max_life": 0}, "86400"),
    "a private key": ("https://n.example", {"jwks": {"keys": [EC.as_dict(private=True)]}}, "private"),
    "no keys": ("https://n.example", {"jwks": {"keys": []}}, "no key"),
    "keys without names": ("https://n.example", {"jwks": {"keys": [public(EC)]}}, "no key"),
    "two keys of one name": (
        "https://n.example",
        {"jwks": {"keys": [named(EC, "a"), named(ED, "a")]}},
        "one kid",
    ),
    "a small key": (
        "https://n.example",
        {"jwks": {"keys": [{"kty": "RSA", "kid": "a", "e": "AQAB", "n": _b64(b"\xff" * 128)}]}},
        "no key",
    ),
    "no JWK set": ("https://n.example", {"jwks": []}, "JWK set"),
    "half an officer": ("https://n.example", {"officer": {"badge": "x", "name": "y"}}, "auth_time"),
    "a claim of an officer that is none": ("https://n.example", {"officer": {"rank": "x"}}, "badge"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_terms_that_are_unfit_are_refused_with_what_to_give(town: Town, name: str) -> None:
    """Nothing of it is in the log."""
    url, changes, cure = UNFIT[name]
    url = url.replace("OWN", town.city.state.settings.issuer)
    if changes.get("clients") == {"a": "WI"}:
        changes = {"clients": {"a": town.city.clients[ELSEWHERE]}}
    before = len(town.city.events())
    with pytest.raises(OperatorError, match=cure):
        Providers(town.city.state).add(url, terms(town.city, **changes), reason=WHY, by="test")
    assert before == len(town.city.events())
