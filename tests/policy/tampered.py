"""Bundles that must not decide, each named for its defect, and the true one that they were made of."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from gatekeeper.policy import Bundle
from gatekeeper.policy.archive import opa_bundle, opa_files, packed, unpacked
from gatekeeper.policy.file_key import FileSigner, signatures, signing_input
from gatekeeper.policy.signing import SIGNATURES, Enactment, PolicyVerifier, claims_of, key_of
from tests.policy.laws import city, small

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ACTIVE = 2
"""The serial in force; the true bundle is the next."""

CITY, STRANGER = (FileSigner(generate_private_key(SECP256R1())) for _ in range(2))
VERIFIER = PolicyVerifier([key_of(CITY.public_pem.encode())])
TREE = "sha256:" + 64 * "7"
RULE = "sharing/standing/standing.rego"


def enactment(bundle: Bundle, serial: int = ACTIVE + 1) -> Enactment:
    """Return what two people would have approved of a bundle."""
    return Enactment(
        revision=bundle.revision,
        digest=bundle.digest,
        tree=TREE,
        serial=serial,
        signed_at=NOW - timedelta(hours=1),
        lapses_at=NOW + timedelta(days=7),
    )


def signed(bundle: Bundle, said: Enactment | None = None, signer: FileSigner = CITY) -> bytes:
    """Return the bundle as it is served, signed."""
    claims = claims_of(opa_files(bundle), enactment(bundle) if said is None else said)
    return opa_bundle(bundle, signature=signer.sign(claims))


def files() -> dict[str, str]:
    """Return the files of the true bundle."""
    return unpacked(signed(small()))


def raw(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Return an archive as no writer of ours would make it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for entry, content in entries:
            entry.size = len(content) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def plain(documents: Mapping[str, str]) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Return the entries of an archive of these files."""
    return [(tarfile.TarInfo(path), documents[path].encode()) for path in sorted(documents)]


def _jwt(header: dict[str, str], sign: Callable[[bytes], bytes]) -> str:
    claims = {**claims_of(opa_files(small()), enactment(small())), "keyid": CITY.keyid}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    head = b".".join(parts)
    return signatures(head, sign(head))


def _changed(path: str, old: str, new: str) -> bytes:
    documents = files()
    assert old in documents[path]
    return packed({**documents, path: documents[path].replace(old, new)})


def _without(path: str) -> bytes:
    return packed({name: text for name, text in files().items() if name != path})


def _impostor() -> str:
    """Sign by another key, in the name of the city's."""
    claims = claims_of(opa_files(small()), enactment(small()))
    token = json.loads(STRANGER.sign(claims))["signatures"][0].rsplit(".", 1)
    head = signing_input(claims, CITY.keyid)
    mine = base64.urlsafe_b64decode(token[1] + "==")
    return signatures(head, mine)


def _twice() -> bytes:
    entries = plain(files())
    permissive = b"package sharing.standing\n\nsatisfied := true\n"
    return raw([*entries, (tarfile.TarInfo(RULE), permissive)])


def _linked() -> bytes:
    entries = [entry for entry in plain(files()) if entry[0].name != RULE]
    link = tarfile.TarInfo(RULE)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    return raw([*entries, (link, b"")])


@dataclass(frozen=True, slots=True)
class Tampered:
    """A bundle, what our verifier must say of it, and whether OPA refuses it by itself."""

    made: Callable[[], bytes]
    words: str
    opa_refuses: bool = True


TAMPERED: dict[str, Tampered] = {
    "a rule changed": Tampered(
        lambda: _changed(RULE, "satisfied", "satisfied "), f"{RULE}: is not as it was signed"
    ),
    "data changed": Tampered(
        lambda: _changed("data.json", '"packs":["north"]', '"packs":["south"]'),
        "data.json: is not as it was signed",
    ),
    "the manifest's revision changed": Tampered(
        lambda: _changed(".manifest", small().revision, city("south").revision),
        r"\.manifest: is not as it was signed",
    ),
    "unsigned": Tampered(lambda: opa_bundle(small()), r"\.signatures\.json: missing: the bundle is unsigned"),
    "signed by another key": Tampered(
        lambda: signed(small(), signer=STRANGER), "signed by a key that is not known here"
    ),
    "signed by another key in the city's name": Tampered(
        lambda: opa_bundle(small(), signature=_impostor()), "the signature does not hold"
    ),
    "signed by nobody": Tampered(
        lambda: opa_bundle(small(), signature=_jwt({"alg": "none", "kid": CITY.keyid}, lambda _: bytes(64))),
        "not signed with ES256",
    ),
    "signed with the public key as a secret": Tampered(
        lambda: opa_bundle(
            small(),
            signature=_jwt(
                {"alg": "HS512", "kid": CITY.keyid},
                lambda head: hmac.digest(CITY.public_pem.encode(), head, hashlib.sha512),
            ),
        ),
        "not signed with ES256",
    ),
    "signature of another bundle": Tampered(
        lambda: opa_bundle(small(), signature=unpacked(signed(city("south")))[SIGNATURES]),
        "is not as it was signed",
    ),
    "two signatures": Tampered(
        lambda: packed({**files(), SIGNATURES: json.dumps({"signatures": 2 * _tokens()})}),
        "does not hold exactly one signature",
    ),
    "a file added": Tampered(
        lambda: packed({**files(), "main/more.rego": "package main\n"}),
        r"main/more\.rego: is in the bundle and was not signed",
    ),
    "a file missing": Tampered(lambda: _without(RULE), f"{RULE}: was signed and is missing"),
    "a file twice": Tampered(_twice, f"{RULE}: is there twice"),
    "a link": Tampered(_linked, f"{RULE}: not a plain file"),
    "half copied": Tampered(lambda: signed(small())[: len(signed(small())) // 2], "it was copied in part"),
    "an older revision, signed": Tampered(
        lambda: signed(small(), enactment(small(), ACTIVE)),
        "number 2 in the order of activations: 2 is in force",
        opa_refuses=False,
    ),
    "an approval that has expired": Tampered(
        lambda: signed(
            small(),
            replace(enactment(small()), signed_at=NOW - timedelta(days=9), lapses_at=NOW - timedelta(days=2)),
        ),
        "the approval has expired: it was good until 2026-11-23 12:00 UTC",
        opa_refuses=False,
    ),
}


def _tokens() -> list[str]:
    found: list[str] = json.loads(files()[SIGNATURES])["signatures"]
    return found


def bombed(size: int) -> bytes:
    """Return a small archive that unpacks to *size* bytes."""
    return gzip.compress(bytes(size))
