"""What somebody tries who has every entry and no receipt: each guess in each form, under each key they know.

Guarantees: the same attack finds what is committed to without a salt, or under a salt that can be known
(``test_the_attack_finds_what_is_badly_hidden``), so that finding nothing says something.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator

from gatekeeper.ledger import Json, canonical

TAG = b"gatekeeper/commitment/v1\n"
GUESSED_KEYS = (b"", bytes(32), b"\xff" * 32, b"gatekeeper", b"secret", TAG, b"gate.example.org/ledger", b"1")


def forms(name: str, value: Json) -> Iterator[bytes]:
    """Yield the bytes that a value could have been hashed as."""
    text = value if isinstance(value, str) else json.dumps(value)
    yield text.encode()
    yield canonical(value)
    yield canonical({"name": name, "value": value})
    yield canonical({name: value})
    yield name.encode() + b":" + text.encode()
    yield TAG + name.encode() + b"\n" + canonical(value)  # as the log's own commitments are made


def digests(message: bytes, keys: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a message becomes: plain, hashed, and keyed with each key in the common ways."""
    yield message
    once = hashlib.sha256(message).digest()
    yield once
    yield hashlib.sha256(once).digest()
    yield hashlib.sha3_256(message).digest()
    yield hashlib.blake2s(message).digest()
    for key in keys:
        yield hmac.digest(key, message, "sha256")
        yield hashlib.sha256(key + message).digest()
        yield hashlib.sha256(message + key).digest()


def found(targets: set[bytes], guesses: Iterable[tuple[str, Json]], keys: Iterable[bytes]) -> list[str]:
    """Return the names of the guesses that turn up among the targets (raw digests and texts)."""
    known = tuple(keys)
    return [
        name
        for name, value in guesses
        if any(made in targets for form in forms(name, value) for made in digests(form, known))
    ]


def targets_in(texts: Iterable[bytes]) -> set[bytes]:
    """Return every value of these entries, as text and as the bytes that it may stand for."""
    targets: set[bytes] = set()
    for text in texts:
        for value in values(json.loads(text)):
            said = value.encode()
            targets |= {said, said.removeprefix(b"sha256:")}
            for decode in (bytes.fromhex, lambda v: base64.b64decode(v, validate=True)):
                try:
                    targets.add(decode(value.removeprefix("sha256:")))
                except ValueError:
                    continue
    return targets


def values(document: Json) -> Iterator[str]:
    """Yield every text in a document; its numbers (an index, a page) are no more than they are."""
    match document:
        case dict():
            for each in document.values():
                yield from values(each)
        case list():
            for each in document:
                yield from values(each)
        case str():
            yield document
