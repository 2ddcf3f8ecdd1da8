"""The gatekeeper's own state, in three interfaces that grow narrower: read, append, administer.

- ``database``        one database, SQLite or PostgreSQL: opened, locked, migrated, checked
- ``tables``          what is kept, what may change and what may not (``append_only`` enforces it)
- ``registry``        read: agencies, clients, keys, stops, as one snapshot
- ``queries``         read: past queries, idempotency keys, reviews, for one agency at a time
- ``documents``       read: papers that were handed in, sealed
- ``ledger_rows``     append: entries with the rows that belong to them, in one transaction
- ``administration``  the rows of an operator's change, for the log to commit
- ``staff``           accounts of the city's staff, their sign-ins and sessions
- ``identities``      who they are at the city's identity provider, and sign-ins under way there
- ``proposed_cases``  cases of the law that staff propose
- ``reviews``         the rows by which a denied query moves through review
- ``values``          what all of these answer with

Trusted with: who may ask. Who can write to the database can add an agency, but the log then does not hold it.
"""

from gatekeeper.store.database import Database
from gatekeeper.store.documents import Documents
from gatekeeper.store.identities import Identities
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.queries import Queries
from gatekeeper.store.registry import Registry, Snapshot
from gatekeeper.store.staff import Staff
from gatekeeper.store.values import (
    Affirmation,
    Agency,
    Client,
    ClientKey,
    RegistryState,
    StaffAccount,
    StaffSession,
    Stop,
)

__all__ = [
    "Affirmation",
    "Agency",
    "Client",
    "ClientKey",
    "Database",
    "Documents",
    "Identities",
    "LedgerRows",
    "Queries",
    "Registry",
    "RegistryState",
    "Snapshot",
    "Staff",
    "StaffAccount",
    "StaffSession",
    "Stop",
]
