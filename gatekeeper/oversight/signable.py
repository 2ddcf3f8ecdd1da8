"""The texts that an agency's signatory reads and signs, held to the hash that the law in force gives.

The city's law (``texts_to_sign`` in ``data/city.json``) says the SHA-256 of each version's exact text; the
text is a file ``KIND-VERSION.LANGUAGE.txt`` in the city's own directory (``texts`` beside its state) or, for
the samples, in this package. Guarantees: what is shown is what the law's hash says, byte for byte, wherever
the file came from; the English text is the one that is signed, another language is for reading beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json

SHIPPED: Final = Path(__file__).parent / "texts"
SIGNED_IN: Final = "en"
"""The language of the text that is signed."""

LARGEST: Final = 100_000
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True)
class Signable:
    """A text as it is shown, and its SHA-256 in hex."""

    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one city: where they may lie, the city's own directory first."""

    directories: Sequence[Path]

    def versions(self, city: Mapping[str, Json], kind: str) -> tuple[str, ...]:
        """Return the versions of a kind that the law names a text of and takes, the newest last."""
        named = _object(_object(city, "texts_to_sign"), kind)
        return tuple(sorted(one for one in named if _VERSION.match(one) and taken(city, kind, one)))

    def text(
        self, city: Mapping[str, Json], kind: str, version: str, language: str = SIGNED_IN
    ) -> Signable | None:
        """Return the text that the law names, None if it names none in this language.

        Raises OperatorError if it names one that is nowhere, or only with another hash.
        """
        wanted = _object(_object(_object(city, "texts_to_sign"), kind), version).get(language)
        if not isinstance(wanted, str) or not _VERSION.match(version):
            return None
        name, others = f"{kind}-{version}.{language}.txt", False
        for directory in self.directories:
            content = _read(directory / name)
            if content is not None and hashlib.sha256(content).hexdigest() == wanted:
                return Signable(content.decode("utf-8"), wanted)
            others = others or content is not None
        places = " or ".join(str(directory) for directory in self.directories)
        if others:
            raise OperatorError(
                f"{name} is not the text that the law in force names (SHA-256 {wanted[:12]}…): put that "
                f"text into {self.directories[0]}, or propose the new hash in data/city.json, texts_to_sign"
            )
        raise OperatorError(f"the law in force names a text that is nowhere: put {name} into {places}")


def taken(city: Mapping[str, Json], kind: str, version: str) -> bool:
    """Say whether a signature of that version counts; where the law says nothing of versions, any does."""
    versions = city.get(f"{kind}_texts")
    return not isinstance(versions, list) or version in versions


def _object(parent: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> bytes | None:
    """Return a file's bytes if it is there and is a text of a sensible size."""
    try:
        with path.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return content if len(content) <= LARGEST else None
