"""The same on PostgreSQL, by the login that may not change the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gatekeeper.errors import OperatorError
from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from tests.exchange.papers import pdf
from tests.purge.made import COUNSEL, GONE, HELD, LATER, OPEN, REASON, RECENT, UPHELD, Town, make
from tests.servers.postgres import Cluster, cluster

ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"


@pytest.fixture
def server() -> Iterator[Cluster]:
    """Return a cluster."""
    with cluster() as made:
        yield made


@pytest.mark.needs("postgres")
def test_what_is_erased_and_what_is_held_on_postgres(server: Cluster, tmp_path: Path, bundle: Bundle) -> None:
    """Erased, held, lifted, told to the second; nothing of it takes more rights than ``roles.sql`` gives."""
    url = server.create("state")
    ids = make(
        Settings(
            data=tmp_path / "city",
            engine="embedded",
            client_profiles="fapi basic",
            database_url=url,
        ),
        bundle,
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROLES.read_text("utf-8").encode())
        connection.execute("CREATE ROLE web LOGIN IN ROLE gatekeeper_app")
    town = Town.open(tmp_path / "city", ids, bundle, server.url("state", user="web"))
    try:
        hold = town.hold()
        with town.purge.store.alone() as ours:
            assert ours
            with pytest.raises(OperatorError, match="another erasure"):
                town.erase()
        [done] = town.erase()
        assert (2, 2) == (done.days, done.held)
        assert all(town.readable(plate) for plate in (HELD, OPEN, RECENT))
        assert not any(town.readable(plate) for plate in (GONE, UPHELD, LATER))
        assert (pdf(), None) == (town.paper(HELD), town.paper(UPHELD))
        town.holds.lift(hold, COUNSEL, REASON)
        town.erase()
        assert not town.readable(HELD)
        assert town.consistent()
        assert [] == town.erase()
        with town.state.database.read() as connection_:
            left = connection_.exec_driver_sql(
                "SELECT count(*) FROM private_details WHERE day < current_date - 40"
            )
            assert 0 == left.scalar_one()
    finally:
        town.close()
