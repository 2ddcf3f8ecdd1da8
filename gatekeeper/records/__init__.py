"""Plate-read stores, read-only: ``reads`` names what a store is, one file per way to reach one.

``mapping`` says which column holds what, ``connections`` opens what cannot write, ``questions`` are the
statements and ``times`` the units, ``rows`` turns rows into records and refuses those that lie, ``sql`` asks;
``city`` and ``sample`` are the city of the demo.
"""

from gatekeeper.records.mapping import ColumnMapping
from gatekeeper.records.reads import Camera, Criteria, Keyset, Page, Reads
from gatekeeper.records.sql import SqlReads

__all__ = ["Camera", "ColumnMapping", "Criteria", "Keyset", "Page", "Reads", "SqlReads"]
