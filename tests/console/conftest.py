"""The console over a real city, in one process; a browser is Flask's client with its own cookies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.cli import staff
from gatekeeper.review import secrets
from gatekeeper.review.roles import Role
from tests.exchange.city import City, body
from tests.exchange.conftest import bundle, city

__all__ = ["bundle", "city"]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less memory: the strength of a hash is not what these tests are about."""
    monkeypatch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@dataclass
class Browser:
    """One person's browser."""

    client: FlaskClient
    made: staff.Made

    def token(self, answer: TestResponse) -> str:
        """Return the token of the form on a page."""
        found = re.search(r'name="form" value="([0-9a-f]{64})"', answer.text)
        assert found is not None, answer.text
        return found[1]

    def version(self, answer: TestResponse) -> str:
        """Return the version of the review that a page shows, "" if it has no form."""
        found = re.search(r'name="version" value="(\d+)"', answer.text)
        return "" if found is None else found[1]

    def does(self, query_id: str, act: str, /, **typed: str | list[str]) -> TestResponse:
        """Open a request, fill in the form of an act, and send it."""
        page = self.client.get(f"/console/reviews/{query_id}")
        form = {"form": self.token(page), "version": self.version(page)} | typed
        return self.client.post(f"/console/reviews/{query_id}/{act}", data=form)

    def sign_in(self, **changes: str) -> TestResponse:
        """Sign in as a person does: open the page, fill in the form, send it."""
        opened = self.client.get("/console/sign-in")
        form = {
            "form": self.token(opened),
            "username": self.made.account.username,
            "password": self.made.password,
            "code": pyotp.TOTP(self.made.totp_secret).at(datetime.now(UTC)),
        } | changes
        return self.client.post("/console/sign-in", data=form)


@dataclass
class Staffed:
    """A city with its console."""

    city: City
    app: Flask

    def person(self, role: Role, agency_id: str | None = None, name: str = "Pat Sample") -> Browser:
        """Add a member of staff, with a browser that is not signed in."""
        username = f"{role}.{name.rsplit(maxsplit=1)[-1].lower()}"
        made = staff.register(self.city.state, username, name=name, role=role, agency_id=agency_id)
        return Browser(self.app.test_client(), made)

    def signed_in(self, role: Role, agency_id: str | None = None, name: str = "Pat Sample") -> Browser:
        """Add a member of staff who is signed in."""
        browser = self.person(role, agency_id, name)
        assert 303 == browser.sign_in().status_code
        return browser

    def asked(self, agency_id: str = "sample-il-pd", **changes: object) -> str:
        """Let an agency ask what a person must look at; return the query's id."""
        answer = self.city.ask(body(**({"purpose__narrative": "investigation"} | changes)), agency_id)
        found = json.loads(answer.body)
        assert "queued" == found["review"]["state"], found
        return str(found["query_id"])

    def state(self, query_id: str) -> str:
        """Return where a review stands."""
        review = self.city.gate.queries.review(query_id)
        assert review is not None
        return review.state


@pytest.fixture
def staffed(city: City) -> Staffed:
    """Return a city with its console."""
    return Staffed(city, application(city.state, city.gate, city.tokens, lambda _: None))
