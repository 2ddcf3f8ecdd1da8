"""The console over a real city, in one process; a browser is Flask's client with its own cookies."""

from __future__ import annotations

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
from tests.exchange.city import City
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

    def person(self, role: Role, agency_id: str | None = None) -> Browser:
        """Add a member of staff, with a browser that is not signed in."""
        made = staff.register(
            self.city.state, f"{role}.sample", name="Pat Sample", role=role, agency_id=agency_id
        )
        return Browser(self.app.test_client(), made)

    def signed_in(self, role: Role) -> Browser:
        """Add a member of staff who is signed in."""
        browser = self.person(role)
        assert 303 == browser.sign_in().status_code
        return browser


@pytest.fixture
def staffed(city: City) -> Staffed:
    """Return a city with its console."""
    return Staffed(city, application(city.state, city.gate, city.tokens, lambda _: None))
