"""After an erasure nothing tells who was refused what, or who looked at which place."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from gatekeeper import state as states
from gatekeeper.exchange import answer
from gatekeeper.ledger import DayKeys
from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from tests.promises.made import built_city
from tests.purge.made import OFFICER, Ago, Town, asked, shown

PLATE, WORDS = "DEMO77", "Deport the driver, immigration hold"


def _marks(town: Town) -> int:
    with town.state.database.read() as connection:
        found: int = connection.exec_driver_sql("SELECT count(*) FROM marks").scalar_one()
    return found


def _said(directory: Path) -> list[str]:
    """Return what can be read of the request in the files of the state."""
    files = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    return [text for text in (PLATE, WORDS, OFFICER) for data in files if text.encode() in data]


def test_marks_never_say_what_they_are_of_and_go_with_their_day(tmp_path: Path, bundle: Bundle) -> None:
    """Refused and asked again 45 days ago: sealed then, and gone with all else of that day."""
    ago = Ago(45)
    settings = Settings(data=tmp_path / "city", engine="embedded", client_profiles="fapi basic")
    with (
        mock.patch.object(states, "Clock", ago.clock),
        mock.patch.object(states, "DayKeys", partial(DayKeys, today=lambda: ago.now().date())),
        mock.patch("tests.promises.made.NOW", ago.now()),
        built_city(settings, bundle) as city,
    ):
        for words in (WORDS, "A violet sample sedan was stolen from Nowhere Lane overnight"):
            text = json.dumps(asked(ago, PLATE, purpose__narrative=words)).encode()
            assert 403 == answer(city.gate, shown(city, ago), text).status
        ago.days = 0
        assert 200 == answer(city.gate, shown(city, ago), json.dumps(asked(ago, "DEMO78")).encode()).status
    town = Town.open(tmp_path / "city", {}, bundle)
    try:
        assert 2 == _marks(town)
        assert [] == _said(tmp_path / "city")
        day = Ago(45).now().date()
        assert day in town.gate.keys.days()
        [done] = town.erase()
        assert (0, 1) == (_marks(town), done.days)
        assert day not in town.gate.keys.days()
        assert town.purge.store.days(day + timedelta(days=1)) == ()
    finally:
        town.close()
