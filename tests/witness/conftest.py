"""The city whose log is witnessed."""

from __future__ import annotations

from tests.exchange.conftest import bundle, city

__all__ = ["bundle", "city"]
