"""A bundle decides only as it was signed: by the city's key, whole, in its turn and in its time."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.errors import BundleRefused, SettingsRefused
from gatekeeper.policy.archive import opa_files, packed, unpacked
from gatekeeper.policy.opa_digest import opa_digest
from gatekeeper.policy.signing import SCOPE, SIGNATURES, PolicyVerifier, claims_of, key_of
from tests.policy.laws import shipped, small
from tests.policy.tampered import (
    ACTIVE,
    CITY,
    NOW,
    STRANGER,
    TAMPERED,
    VERIFIER,
    enactment,
    files,
    signed,
)
from tests.servers.opa import opa_program


def test_what_was_signed_comes_back() -> None:
    """Every claim of ours, to the second; and the next in order may be activated."""
    said = enactment(small())
    assert said == VERIFIER.verify(files())
    assert said == VERIFIER.verify_for_activation(files(), now=NOW, active=ACTIVE)
    assert said == VERIFIER.verify_for_activation(files(), now=NOW, active=None)


def test_the_shipped_law_can_be_signed() -> None:
    """Its signature is larger than any token's: no limit of the library's stands in the way."""
    assert enactment(shipped()) == VERIFIER.verify(unpacked(signed(shipped())))


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered(name: str) -> None:
    """Each is refused, in words that name the file, the rule that it breaks and what to do."""
    with pytest.raises(BundleRefused, match=TAMPERED[name].words) as refused:
        VERIFIER.verify_for_activation(unpacked(TAMPERED[name].made()), now=NOW, active=ACTIVE)
    for fault in refused.value.faults:
        assert 2 <= fault.count(": ") <= 4, fault


def test_every_fault_is_named_at_once() -> None:
    """Who looks for what was done to a bundle sees all of it."""
    documents = {**files(), "x.rego": "package x\n"}
    documents["data.json"] = "{}"
    del documents["main/main.rego"]
    with pytest.raises(BundleRefused) as refused:
        VERIFIER.verify(documents)
    assert ["main/main.rego", "x.rego", "data.json"] == [
        fault.partition(":")[0] for fault in refused.value.faults
    ]


def test_a_retired_key_still_verifies_and_a_forgotten_one_does_not() -> None:
    """What is in force was signed before the rotation; a stolen key is believed no more."""
    both = PolicyVerifier(key_of(one.public_pem.encode()) for one in (CITY, STRANGER))
    assert sorted([CITY.keyid, STRANGER.keyid]) == list(both.keyids)
    assert enactment(small()) == both.verify(files())
    with pytest.raises(BundleRefused, match="not known here"):
        PolicyVerifier([key_of(STRANGER.public_pem.encode())]).verify(files())
    with pytest.raises(SettingsRefused, match="no policy key is known"):
        PolicyVerifier([])


def test_the_moment_of_expiry() -> None:
    """At the second itself it has lapsed; what is active already stays so."""
    end = enactment(small()).lapses_at
    VERIFIER.verify_for_activation(files(), now=end - timedelta(seconds=1), active=ACTIVE)
    with pytest.raises(BundleRefused, match="has expired"):
        VERIFIER.verify_for_activation(files(), now=end, active=ACTIVE)
    assert enactment(small()) == VERIFIER.verify(files())


def test_signed_in_the_future() -> None:
    """A clock that was ahead would have stretched the approval."""
    said = replace(enactment(small()), signed_at=NOW + timedelta(minutes=2))
    with pytest.raises(BundleRefused, match="in the future"):
        VERIFIER.verify_for_activation(unpacked(signed(small(), said)), now=NOW, active=ACTIVE)


def test_signed_for_one_second() -> None:
    """What a city begins with holds, and cannot be put into force by its signature a second time."""
    said = replace(enactment(small()), lapses_at=enactment(small()).signed_at)
    documents = unpacked(signed(small(), said))
    assert said == VERIFIER.verify(documents)
    with pytest.raises(BundleRefused, match="has expired"):
        VERIFIER.verify_for_activation(documents, now=said.signed_at, active=None)


CLAIMS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another scope": lambda c: c.update(scope="write"),
    "no scope": lambda c: c.pop("scope"),
    "a claim of nobody's": lambda c: c.update(admin=True),
    "a serial that is true": lambda c: c.update(serial=True),
    "serial nought": lambda c: c.update(serial=0),
    "an expiry before the signature": lambda c: c.update(exp=c["iat"] - 1),
    "no expiry": lambda c: c.pop("exp"),
    "an expiry as text": lambda c: c.update(exp=str(c["exp"])),
    "an expiry beyond every date": lambda c: c.update(exp=2**60),
    "a digest that is none": lambda c: c.update(digest="sha256:" + 63 * "0"),
    "a file by MD5": lambda c: c["files"][0].update(algorithm="MD5"),
    "a file without a hash": lambda c: c["files"][0].pop("hash"),
    "a file listed twice": lambda c: c["files"].append(c["files"][0]),
    "files that are none": lambda c: c.update(files={}),
    "another revision than the manifest's": lambda c: c.update(revision="x"),
    "another digest than the manifest's": lambda c: c.update(digest="sha256:" + 64 * "0"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_of_another_shape(name: str) -> None:
    """Even the city's own key signs nothing but a policy: what it may have signed besides is none."""
    claims: dict[str, Any] = json.loads(json.dumps(claims_of(opa_files(small()), enactment(small()))))
    CLAIMS[name](claims)
    with pytest.raises(BundleRefused):
        VERIFIER.verify({**files(), SIGNATURES: CITY.sign(claims)})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"signatures": []}',
        '{"signatures": [1]}',
        '{"signatures": ["a.b.c"]}',
        '{"signatures": ["a.b.c"], "plugin": "x"}',
        '{"signatures": ["' + 3 * (86 * "A" + ".") + '"]}',
        '{"signatures": ["AAAA.AAAA.' + 86 * "A" + '"]}',
        '{"signatures": ["bnVsbA.bnVsbA.' + 86 * "A" + '"]}',
        '{"signatures": ["W10.W10.' + 86 * "A" + '"]}',
        "[" * 100_000,
    ],
)
def test_signature_file_of_another_shape(text: str) -> None:
    """A plugin of OPA's, several signatures, or what is no JWT at all."""
    with pytest.raises(BundleRefused, match=r"^\.signatures\.json: "):
        VERIFIER.verify({**files(), SIGNATURES: text})


@pytest.mark.parametrize("more", [{"crit": ["b64"]}, {"jwk": {}}, {"jku": "http://127.0.0.1"}, {"cty": "x"}])
def test_header_that_chooses(more: dict[str, Any]) -> None:
    """A key or an algorithm that the signature brings along would be the tamperer's own."""
    head, claims, signature = json.loads(files()[SIGNATURES])["signatures"][0].split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | more
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(BundleRefused, match="not signed with ES256 by a named key"):
        VERIFIER.verify({**files(), SIGNATURES: json.dumps({"signatures": [f"{head}.{claims}.{signature}"]})})


def test_spaces_in_structured_files_do_not_matter_and_bytes_of_rules_do() -> None:
    """As to OPA: data are what they mean, a rule is what is written."""
    documents = files()
    spaced = {**documents, "data.json": json.dumps(json.loads(documents["data.json"]), indent=3)}
    assert enactment(small()) == VERIFIER.verify(spaced)
    with pytest.raises(BundleRefused, match="not as it was signed"):
        VERIFIER.verify({**documents, "main/main.rego": documents["main/main.rego"] + "\n"})


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": NaN}', '["\\ud800"]', "[" * 100_000, "{"])
def test_what_readers_read_differently_has_no_digest(text: str) -> None:
    """One of two twins would be signed, and the other decide."""
    with pytest.raises(ValueError):  # noqa: PT011  (each is another subclass)
        opa_digest("data.json", text)
    assert 64 == len(opa_digest("data.txt", text))


_NUMBERS = st.sampled_from(["0", "-0", "1", "1.0", "1e3", "1E+3", "-1.50", "123456789012345678901234567890"])
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(json.dumps)
_JSON = st.recursive(
    st.one_of(_NUMBERS, _TEXTS, st.sampled_from(["null", "true", "false"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]"),
        st.dictionaries(_TEXTS, inner, max_size=4).map(
            lambda pairs: "{" + ",".join(f"{name}: {value}" for name, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=12,
)


def _opa_signs(directory: Path, documents: dict[str, str]) -> dict[str, str]:
    """Let OPA sign a bundle; return the digest that it made of each file."""
    for path, text in documents.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, "utf-8", newline="")
    subprocess.run(
        [opa_program(), "sign", "--signing-alg", "HS256", "--signing-key", "made-up", "-b", "."],
        cwd=directory,
        check=True,
        timeout=60,
    )
    token = json.loads((directory / SIGNATURES).read_text())["signatures"][0]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    (directory / SIGNATURES).unlink()
    return {file["name"]: file["hash"] for file in claims["files"]}


@pytest.mark.needs("opa")
def test_digests_are_those_of_opa(tmp_path: Path) -> None:
    """Of the shipped law, file by file."""
    documents = opa_files(shipped())
    assert {path: opa_digest(path, text) for path, text in documents.items()} == _opa_signs(
        tmp_path, documents
    )


@pytest.mark.needs("opa")
def test_digests_of_any_json_are_those_of_opa(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Numbers as they are written, characters that Go escapes, names in order."""

    @settings(max_examples=3, deadline=None)
    @given(st.lists(_JSON, min_size=1, max_size=60))
    def same(texts: list[str]) -> None:
        documents = {f"d{number}/data.json": text for number, text in enumerate(texts)}
        made = _opa_signs(tmp_path_factory.mktemp("json"), documents)
        assert made == {path: opa_digest(path, text) for path, text in documents.items()}

    same()


@pytest.mark.needs("opa")
def test_opa_verifies_what_is_signed_here(tmp_path: Path) -> None:
    """OPA's own command line believes the bundle with the public key alone, and not with another's."""
    (tmp_path / "bundle.tar.gz").write_bytes(packed(files()))

    def verified(pem: str, scope: str) -> bool:
        (tmp_path / "key.pem").write_text(pem)
        done = subprocess.run(
            [
                *(opa_program(), "build", "-b", "bundle.tar.gz", "--verification-key", "key.pem"),
                *("--verification-key-id", CITY.keyid, "--signing-alg", "ES256", "--scope", scope),
                *("-o", "out.tar.gz"),
            ],
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0

    assert verified(CITY.public_pem, SCOPE)
    assert not verified(CITY.public_pem, "another")
    assert not verified(STRANGER.public_pem, SCOPE)
