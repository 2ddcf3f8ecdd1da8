"""Alembic's entry: it runs on the connection and in the transaction that ``Database.migrate`` opened."""

from __future__ import annotations

from alembic import context

from gatekeeper.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
