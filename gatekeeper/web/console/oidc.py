"""Sign-in, and proof, by the city's identity provider: a browser is sent there, and comes back once.

The procedure of the way back: (1) it is this browser's, begun here not long ago, used up by reading it; (2)
it is this provider's answer, and no error; (3) its code becomes an ID token that is checked whole; (4) the
person has an active account, made by the city; (5) for a proof: it is the account that is signed in.
Guarantees: ``state``, nonce and PKCE verifier are kept here, never in a cookie, so no other site, browser or
moment can begin or end somebody's sign-in; no account is made by signing in; a role comes from our table
alone; whatever fails, nobody is signed in and nothing counts as proved.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, g, request

from gatekeeper.review.accounts import Account, Session
from gatekeeper.web.console.addresses import following
from gatekeeper.web.console.desk import Desk, UnderWay
from gatekeeper.web.console.id_token import Person
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.provider import Provider, ProviderFault
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.metrics import SIGN_INS

ASKED_WITHIN: Final = timedelta(minutes=15)
"""A sign-in is worth no more than our own idle limit: who left a screen is asked again by the provider."""

_SAID: Final = {
    "unavailable": later("The city's identity provider did not answer as it should. Try again in a moment."),
    "refused": later("The city's identity provider did not let you in, or you went back."),
    "unproved": later("What came back from the city's identity provider does not prove who you are."),
    "stale": later("This was begun in another browser, too long ago, or was used already."),
    "unknown": later("The city's identity provider knows you, but you have no account here."),
    "another": later("Somebody else came back from the identity provider than is signed in here."),
}


def add_oidc(blueprint: Blueprint, desk: Desk, sessions: Sessions, provider: Provider) -> None:
    """Add the routes of sign-in by the provider."""
    passage = _Passage(desk, sessions, provider)

    @blueprint.get("/oidc")
    def go() -> Response:
        return passage.send(None)

    @blueprint.get("/oidc/proof")
    @sessions.needs("read_policies")  # every role may
    def go_again() -> Response:
        return passage.send(g.session.account)

    @blueprint.get("/oidc/callback")
    def come_back() -> Response:
        return passage.come_back()


class _Passage:
    """The way to the provider and back."""

    def __init__(self, desk: Desk, sessions: Sessions, provider: Provider) -> None:
        self._desk = desk
        self._sessions = sessions
        self._provider = provider

    def send(self, account: Account | None) -> Response:
        """Send this browser to the provider; with an account, to be asked again."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        try:
            address = self._provider.address(
                state=state,
                nonce=nonce,
                verifier=verifier,
                longest_ago=int(ASKED_WITHIN.total_seconds()) if account is None else 0,
                again=account is not None,
            )
        except ProviderFault as fault:
            return self._refused(fault.reason)
        response = see(address)
        identifier = self._sessions.identifier() or self._sessions.give(response)
        self._desk.identities.begin(
            state,
            identifier,
            nonce=nonce,
            verifier=verifier,
            back=following(),
            staff_id=None if account is None else account.id,
        )
        return response

    def come_back(self) -> Response:
        """Sign in, or go on as proved, who came back; or say why not. Raises Unavailable."""
        answer = {name: values[0] for name, values in request.args.lists() if len(values) == 1}
        # (1) Of this browser, once.
        identifier, under_way = self._sessions.identifier(), None
        if identifier is not None:
            under_way = self._desk.identities.take(answer.get("state", ""), identifier)
        if under_way is None:
            return self._refused("stale")
        try:
            person, token = self._person(answer, under_way)
        except ProviderFault as fault:
            return self._refused(fault.reason)
        # (4) Known here.
        account = self._desk.identities.find(self._provider.issuer, person.subject)
        if account is None or account.status != "active":
            return self._refused("unknown", subject=person.subject)
        response = see(under_way.back)
        if under_way.staff_id is None:
            self._sessions.begin(response, account, "provider", proved_at=person.asked_at, id_token=token)
            SIGN_INS.labels("signed_in").inc()
            return response
        # (5) The same as is signed in.
        if not self._proved(response, account, under_way, token):
            return self._refused("another")
        SIGN_INS.labels("proved").inc()
        return response

    def _person(self, answer: dict[str, str], under_way: UnderWay) -> tuple[Person, str]:
        # (2) An answer of this provider, and (3) who it was.
        again = under_way.staff_id is not None
        return self._provider.person(
            self._provider.answered(answer),
            nonce=under_way.nonce,
            verifier=under_way.verifier,
            asked_since=under_way.began_at - (timedelta() if again else ASKED_WITHIN),
            now=self._desk.gate.clock.now,
        )

    def _proved(self, response: Response, account: Account, under_way: UnderWay, token: str) -> bool:
        """Go on with the session that a proof was begun for; False if it, or the person, is another now."""
        identifier = self._sessions.identifier()
        session: Session | None = None if identifier is None else self._desk.staff.session(identifier)
        if session is None or not account.id == session.account.id == under_way.staff_id:
            return False
        g.session = session
        return self._sessions.prove(response, "provider", id_token=token)

    def _refused(self, reason: str, *, subject: str | None = None) -> Response:
        """Say why nobody was signed in, or nothing proved: with words of ours, none of the provider's."""
        SIGN_INS.labels(reason).inc()
        return page(
            "provider.html",
            503 if reason == "unavailable" else 403,
            city=self._desk.city,
            said=say(_SAID[reason]),
            subject=subject,
        )
