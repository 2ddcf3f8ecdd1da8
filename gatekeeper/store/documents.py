"""Papers that were handed in, as they are kept: sealed, with their hash beside them.

Guarantees: nothing here opens a box or writes a row (rows come with their log entry); the day's purge removes
what the day's key sealed; what is held beyond it comes as it was sealed anew.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, select

from gatekeeper.ledger.held import DOCUMENT_CONTENT, DOCUMENT_NAME
from gatekeeper.store.database import Database
from gatekeeper.store.tables import documents, held_boxes
from gatekeeper.store.values import DocumentRow
from gatekeeper.store.writing import storable


def _or_held(column: Any, part: str) -> Any:
    """Return the box that stands for a part of a document, or its own."""
    held = select(held_boxes.c.box).where(held_boxes.c.ref == documents.c.id, held_boxes.c.event == part)
    return func.coalesce(held.scalar_subquery(), column).label(column.name)


_PARTS: Final = {"name_box": _or_held(documents.c.name_box, DOCUMENT_NAME)}
_DOCUMENT = select(*(_PARTS.get(name, documents.c[name]) for name in DocumentRow.__dataclass_fields__))


class Documents:
    """The reading side of documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, query_id: str) -> tuple[DocumentRow, ...]:
        """Return every document of a query, the first handed in first. Raises StoreUnavailable."""
        if not storable(query_id):
            return ()
        with self._database.read() as connection:
            found = connection.execute(
                _DOCUMENT.where(documents.c.query_id == query_id).order_by(documents.c.at, documents.c.id)
            ).all()
        return tuple(DocumentRow(*row) for row in found)

    def find(self, document_id: str) -> DocumentRow | None:
        """Return one document, or None. Raises StoreUnavailable."""
        if not storable(document_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_DOCUMENT.where(documents.c.id == document_id)).one_or_none()
        return None if row is None else DocumentRow(*row)

    def box(self, document_id: str) -> bytes | None:
        """Return the sealed bytes of a document, or None. Raises StoreUnavailable."""
        if not storable(document_id):
            return None
        with self._database.read() as connection:
            box: bytes | None = connection.execute(
                select(_or_held(documents.c.box, DOCUMENT_CONTENT)).where(documents.c.id == document_id)
            ).scalar_one_or_none()
        return box
