"""Run the migrations inside the caller's transaction, without a configuration file.

Guarantees: the schema moves to the newest revision completely or not at all: both databases have
transactional DDL, and the caller holds the writers' lock.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for this directory."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Bring the schema behind *connection* to the newest revision."""
    command.upgrade(configuration(connection), "head")
