"""What the demo keeps its hands off: a real city, its reads, and the credentials of another demo."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gatekeeper import settings as configuration
from gatekeeper.cli.demo import build_city
from gatekeeper.cli.opened import city as opened
from gatekeeper.errors import OperatorError
from gatekeeper.notices.reminders import due
from gatekeeper.records.sample import build
from gatekeeper.settings import Settings
from gatekeeper.state import open_state
from tests.cli.shell import City


def _demo(data: Path) -> Settings:
    build(data / "reads.db", seed=1, reads=300, until=datetime.now(UTC))
    return configuration.load(data=data, engine="embedded", client_profiles="fapi private_key basic")


def test_a_real_city_is_not_made_a_sample_of(city: City) -> None:
    """Its agencies are real: made-up ones with known secrets would stand beside them, in its log for ever."""
    agency = city.add_agency()
    settings = _demo(city.data)
    with pytest.raises(OperatorError, match="--data demo-data"):
        build_city(settings)
    assert [agency] == [row["id"] for row in city.rows("agency", "list")]


def test_a_real_city_without_agencies_is_known_by_the_name_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was just laid out."""
    monkeypatch.setenv("GATEKEEPER_BASE_URL", "https://alpr.example.gov")
    City(tmp_path / "city").run("init")
    monkeypatch.delenv("GATEKEEPER_BASE_URL")
    with pytest.raises(OperatorError, match="--data demo-data"):
        build_city(_demo(tmp_path / "city"))


def test_a_demo_that_was_killed_while_it_was_made_is_made_again(city: City) -> None:
    """Half a sample city is nobody's city."""
    city.add_agency("maple-falls-pd")
    build_city(_demo(city.data))
    build_city(_demo(city.data))


def test_real_reads_are_not_shown_to_made_up_agencies(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell in which a city is served has the address of its reads."""
    monkeypatch.setenv("GATEKEEPER_RECORDS_URL", "postgresql://reader@reads.example.gov/reads")
    assert "unset GATEKEEPER_RECORDS_URL" in city.refused("demo", "--port", "18099")
    assert [] == city.rows("agency", "list")


def test_a_directory_that_a_demo_serves_is_left_to_it(city: City) -> None:
    """A second one on another port would take the credentials away, and at its end those of the first."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Ready)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    credentials = city.data / "credentials.json"
    credentials.write_text(json.dumps({"base_url": address}))
    assert address in city.refused("demo", "--port", "18099")
    assert credentials.exists()
    server.shutdown()
    server.server_close()


def test_each_sample_agency_has_a_contact_that_nobody_reads_and_one_is_soon_to_be_reminded(
    city: City,
) -> None:
    """Notices and reminders have somebody to go to, and nobody gets one by mistake (RFC 2606)."""
    build_city(_demo(city.data))
    state = open_state(configuration.load(data=city.data))
    agencies, today = state.registry.agencies(), state.clock.now().date()
    state.close()
    assert len(agencies) == sum(contact.endswith(".example") for one in agencies for contact in one.contacts)
    assert ["quarry-hill-so-in"] == [one.id for one in agencies if [*due(one, today)]]


@pytest.mark.parametrize(
    ("written", "set_to", "address"),
    [
        ('{"base_url": "http://127.0.0.1:18099"}', None, "http://127.0.0.1:18099"),
        ('{"base_url": "http://127.0.0.1:18099"}', "https://alpr.example.gov", "https://alpr.example.gov"),
        ("{", None, "http://127.0.0.1:8080"),
        ("{}", None, "http://127.0.0.1:8080"),
        (None, None, "http://127.0.0.1:8080"),
    ],
)
def test_a_command_names_the_address_at_which_the_demo_serves(
    city: City, monkeypatch: pytest.MonkeyPatch, written: str | None, set_to: str | None, address: str
) -> None:
    """A link to sign by is of no use with another port; what the operator set counts before it."""
    if written is not None:
        (city.data / "credentials.json").write_text(written)
    if set_to is not None:
        monkeypatch.setenv("GATEKEEPER_BASE_URL", set_to)
    with opened(city.data) as state:
        assert address == state.settings.issuer
