"""Sign a bundle and verify it, in OPA's own format: ``.signatures.json`` with one JWT over all of its files.

The format is that of https://www.openpolicyagent.org/docs/management-bundles#signing, so OPA verifies what is
signed here. Beside OPA's claims the JWT carries ours (``Enactment``), which OPA does not look at: what was
approved, its place in the order of activations, and until when it may be activated. Guarantees: ES256 and
nothing else, by a key of the policies' own; a bundle is as it was signed, to the last file, or
``BundleRefused`` says which file breaks which rule and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jsonschema_rs
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode

from gatekeeper.errors import BundleRefused, SettingsRefused
from gatekeeper.policy.layout import MANIFEST, Files, Json, strict_json
from gatekeeper.policy.opa_digest import opa_digest

SIGNATURES = ".signatures.json"
SCOPE = "gatekeeper-policy"
"""What OPA must be told to want (``signing.scope``): the key signs nothing else, and this says so."""

ALGORITHM = "ES256"
_SKEW = timedelta(seconds=60)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_SECONDS = {"type": "integer", "minimum": 0, "maximum": 253_402_300_799}  # no datetime is later
_FILE = {
    "name": {"type": "string"},
    "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "algorithm": {"const": "SHA-256"},
}
_CLAIMS = {
    "files": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": _FILE,
            "required": [*_FILE],
            "additionalProperties": False,
        },
    },
    "keyid": {"type": "string"},
    "scope": {"const": SCOPE},
    "iat": _SECONDS,
    "exp": _SECONDS,
    "serial": {"type": "integer", "minimum": 1},
    "revision": {"type": "string"},
    "digest": _DIGEST,
    "tree": _DIGEST,
}
_SHAPE = jsonschema_rs.validator_for(
    {"type": "object", "properties": _CLAIMS, "required": [*_CLAIMS], "additionalProperties": False}
)


class _Registry(jws.JWSRegistry):
    """ES256 alone, and room for a law of thousands of files."""

    max_payload_length = 4 * 1024 * 1024


_REGISTRY = _Registry(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class Enactment:
    """What is put into force: which text, as the how-manieth, and until when that may happen.

    ``digest`` is of what decides, ``tree`` of the whole directory that was approved.
    """

    revision: str
    digest: str
    tree: str
    serial: int
    signed_at: datetime
    lapses_at: datetime


class PolicySigner(Protocol):
    """Holds the policies' private key, or the way to it."""

    @property
    def keyid(self) -> str:
        """The key's name: its RFC 7638 thumbprint."""

    @property
    def public_pem(self) -> str:
        """The public half, as OPA reads it."""

    def sign(self, claims: Mapping[str, Json]) -> str:
        """Return the text of ``.signatures.json``. Raises SettingsRefused if the key cannot be used."""


def claims_of(files: Files, enactment: Enactment) -> dict[str, Json]:
    """Return what a signature over *files*, as OPA loads them, says. Raises BundleRefused."""
    return {
        "files": [
            {"name": path, "hash": _digest(path, files[path]), "algorithm": "SHA-256"}
            for path in sorted(files)
        ],
        "scope": SCOPE,
        "iat": int(enactment.signed_at.timestamp()),
        "exp": int(enactment.lapses_at.timestamp()),
        "serial": enactment.serial,
        "revision": enactment.revision,
        "digest": enactment.digest,
        "tree": enactment.tree,
    }


class PolicyVerifier:
    """Knows the policies' public keys: the one that signs now, and those that signed what still counts."""

    def __init__(self, keys: Iterable[ECKey]) -> None:
        self._keys = {key.thumbprint(): key for key in keys}
        if not self._keys:
            raise SettingsRefused("no policy key is known, so no policy could be: run `gatekeeper init`")

    @property
    def keyids(self) -> tuple[str, ...]:
        """The names of the keys that are believed."""
        return tuple(sorted(self._keys))

    def verify(self, files: Files) -> Enactment:
        """Return what was signed, if all of this holds of *files*, ``.signatures.json`` among them.

        0. There is one signature, in a file of exactly OPA's shape.
        1. Its header names ES256 and a key that is known, and nothing else.
        2. It is that key's.
        3. It says what a signature of ours says, each claim of its type, for this scope and by this key.
        4. Every file that was signed is there, unchanged; and no other.
        5. The bundle's own manifest states the revision and the digest that were signed.

        Raises BundleRefused.
        """
        # 0. One signature, of the right shape.
        token = _token(files)
        # 1. A header that leaves nothing to choose: the algorithm is never the token's to say.
        header, claims = _parts(token)
        keyid = header.get("kid")
        if header.keys() - {"typ"} != {"alg", "kid"} or header["alg"] != ALGORITHM:
            raise _refused(
                SIGNATURES, "not signed with ES256 by a named key", "sign it with the city's policy key"
            )
        key = self._keys.get(keyid) if isinstance(keyid, str) else None
        if key is None:
            raise _refused(
                SIGNATURES,
                "signed by a key that is not known here",
                "sign it with the city's policy key; `gatekeeper policy key show` names those that are known",
            )
        # 2. The signature.
        try:
            jws.deserialize_compact(token, key, registry=_REGISTRY)
        except (JoseError, ValueError):
            raise _refused(
                SIGNATURES, "the signature does not hold", "fetch the bundle that was approved"
            ) from None
        # 3. The claims.
        enactment = _enactment(claims, str(keyid))
        # 4. The files.
        _check_files(files, claims["files"])
        # 5. The manifest, which is what OPA tells its revision by.
        _check_manifest(files, enactment)
        return enactment

    def verify_for_activation(self, files: Files, *, now: datetime, active: int | None) -> Enactment:
        """Return what may be activated *now*; *active* is the serial in force, if any. Raises BundleRefused.

        6. It was signed, and not after now.
        7. The approval has not lapsed.
        8. It comes after what is in force: an older text returns only by an approved rollback, signed anew.
        """
        enactment = self.verify(files)
        # 6. A clock that was wrong when it was signed would have stretched the approval's life.
        if enactment.signed_at > now + _SKEW:
            raise _refused(SIGNATURES, "signed in the future", "set the clock of this machine right")
        # 7. What lawyers approved for one week is not put into force a year later.
        if now >= enactment.lapses_at:
            raise _refused(
                SIGNATURES,
                f"the approval has expired: it was good until {enactment.lapses_at:%Y-%m-%d %H:%M} UTC",
                "have the revision approved again",
            )
        # 8. Anti-rollback.
        if active is not None and enactment.serial <= active:
            raise _refused(
                SIGNATURES,
                f"it is number {enactment.serial} in the order of activations: {active} is in force",
                "to go back, use `gatekeeper policy rollback`, which two people approve",
            )
        return enactment


def key_of(pem: bytes) -> ECKey:
    """Read a P-256 key, public or private. Raises ValueError."""
    try:
        key = ECKey.import_key(pem)
    except (JoseError, TypeError) as malformed:
        raise ValueError("not a key") from malformed
    if key.curve_name != "P-256":
        raise ValueError("not on P-256")
    return key


def _token(files: Files) -> str:
    if SIGNATURES not in files:
        raise _refused(SIGNATURES, "missing: the bundle is unsigned", "only a signed bundle may be activated")
    shape = 'it must be {"signatures": [JWT]}'
    try:
        document = strict_json(files[SIGNATURES])
    except ValueError:
        raise _refused(SIGNATURES, "not JSON", shape) from None
    tokens = document.get("signatures") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(tokens, list) or len(tokens) != 1:
        raise _refused(SIGNATURES, "does not hold exactly one signature", shape)
    token = tokens[0]
    if not isinstance(token, str) or not _JWT.fullmatch(token):
        raise _refused(SIGNATURES, "its signature is not a JWT by ES256", shape)
    return token


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read header and claims before the signature is checked: nothing is believed of them yet."""
    head, body, _ = token.split(".")
    try:
        header, claims = (strict_json(urlsafe_b64decode(part.encode()).decode()) for part in (head, body))
    except ValueError:
        header = claims = None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _refused(SIGNATURES, "its JWT cannot be read", "fetch the bundle again")
    return header, claims


def _enactment(claims: Mapping[str, Any], keyid: str) -> Enactment:
    faults = ["/".join(map(str, error.instance_path)) or "its claims" for error in _SHAPE.iter_errors(claims)]
    # They may be one second: what a city begins with is in force when it is signed, and never again.
    if not faults and (claims["keyid"] != keyid or claims["iat"] > claims["exp"]):
        faults = ["keyid" if claims["keyid"] != keyid else "exp"]
    if faults:
        raise _refused(
            SIGNATURES,
            f"is not the signature of a policy, by {', '.join(sorted(set(faults))[:5])}",
            "approve the revision in the console, which signs it",
        )
    return Enactment(
        revision=claims["revision"],
        digest=claims["digest"],
        tree=claims["tree"],
        serial=claims["serial"],
        signed_at=datetime.fromtimestamp(claims["iat"], UTC),
        lapses_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _check_files(files: Files, listed: Sequence[Mapping[str, str]]) -> None:
    signed = {one["name"]: one["hash"] for one in listed}
    if len(signed) != len(listed):
        raise _refused(SIGNATURES, "lists a file twice", "sign the bundle again")
    there = files.keys() - {SIGNATURES}
    faults = [
        f"{path}: was signed and is missing: the bundle is incomplete: fetch it again"
        for path in sorted(signed.keys() - there)
    ]
    faults += [
        f"{path}: is in the bundle and was not signed: somebody added it: remove it, and find out who did"
        for path in sorted(there - signed.keys())
    ]
    faults += [
        f"{path}: is not as it was signed: somebody changed it: fetch the bundle that was approved"
        for path in sorted(there & signed.keys())
        if _digest(path, files[path]) != signed[path]
    ]
    if faults:
        raise BundleRefused(faults)


def _check_manifest(files: Files, enactment: Enactment) -> None:
    try:
        manifest: Any = strict_json(files.get(MANIFEST, ""))
        stated = (manifest["revision"], manifest["metadata"]["digest"])
    except (ValueError, TypeError, KeyError):
        raise _refused(MANIFEST, "states no revision and digest", "fetch the bundle again") from None
    if stated != (enactment.revision, enactment.digest):
        raise _refused(
            MANIFEST,
            "states another revision than was signed: OPA would answer in the name of another law",
            "fetch the bundle that was approved",
        )


def _digest(path: str, text: str) -> str:
    try:
        return opa_digest(path, text)
    except ValueError:
        raise _refused(path, "not JSON that every reader reads alike", "write it anew") from None


def _refused(path: str, broken: str, cure: str) -> BundleRefused:
    return BundleRefused([f"{path}: {broken}: {cure}"])
