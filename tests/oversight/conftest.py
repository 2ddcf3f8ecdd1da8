"""The store's databases, one of each kind."""

from __future__ import annotations

from tests.store.conftest import database, migrated, postgres, rows, url

__all__ = ["database", "migrated", "postgres", "rows", "url"]
