"""The file for a court, as a stranger checks it: with the log's key and nothing else of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import metamorphic_log
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatekeeper.court.file import court_file, zipped
from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.policy import Bundle, Embedded, load
from tests.cli.shell import spawned, typed
from tests.exchange.city import PLATE
from tests.export.made import (
    KINDS,
    OFFICER,
    PRIVATE,
    STORY,
    WORDS,
    Staffed,
    Unpacked,
    court_of,
    staffed,
)
from tests.purge.made import COUNSEL, GONE, HELD, RECENT, Town
from tests.servers.go import built

VERIFIER = Path(__file__).parents[1] / "verifiers" / "tlog"


@pytest.fixture(scope="session")
def files(
    past_queries: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Unpacked]:
    """Return the unpacked file of each kind of query, and one without its private side."""
    place = tmp_path_factory.mktemp("files")
    data, ids = past_queries
    office = staffed(Path(shutil.copytree(data, place / "city")), ids)
    made = {kind: Unpacked.of(office.exported(kind), place / kind) for kind in KINDS}
    made["public"] = Unpacked.of(office.exported("ruled", private=False), place / "public")
    (place / "key").write_text(office.key)
    return made


@pytest.fixture(scope="session")
def key(files: dict[str, Unpacked]) -> str:
    """Return the log's key, as it was got elsewhere."""
    return (files["denied"].directory.parent / "key").read_text()


ALL = [*KINDS, "public"]


@pytest.mark.parametrize("kind", ALL)
def test_each_file_is_the_manifests(files: dict[str, Unpacked], kind: str) -> None:
    """And each that the README speaks of is there."""
    file = files[kind]
    assert [] == file.damaged()
    parts = {name.partition("/")[0] for name in file.names()}
    always = {
        "README.txt", "decision.json", "review.json", "policy", "opa", "entries", "receipts", "checkpoint",
        "vkey", "export.json", "manifest.json",
    }  # fmt: skip
    released = set() if kind in {"denied", "preview"} else {"released"}
    assert always | released | (set() if kind == "public" else {"query", "facts", "papers.json"}) == parts
    told = file.read("README.txt").decode()
    for named in re.findall(r"(?:receipts|entries|facts)/\d+\.[a-z-]+", told):
        assert (file.directory / named).is_file(), named
    for named in re.findall(r"'((?:policy|opa)/[^']+)'", told):
        assert (file.directory / named).exists(), named


@pytest.mark.parametrize("kind", ALL)
def test_each_receipt_is_proved_with_the_key_alone(files: dict[str, Unpacked], key: str, kind: str) -> None:
    """As JSON, and as a tlog-proof with its entry; by the library that is not ours, too."""
    file = files[kind]
    note = file.read("checkpoint").decode()
    for number in file.numbers:
        receipt = str(file.directory / f"receipts/{number}.json")
        proof = str(file.directory / f"receipts/{number}.tlog-proof")
        entry = str(file.directory / f"entries/{number}.json")
        for given in ((receipt,), (proof, "--entry", entry)):
            checked = typed("ledger", "check", *given, "--key", key, "--json")
            assert 0 == checked.exit_code, checked.output
        document = file.json(f"receipts/{number}.json")
        assert (note, {}) == (document["checkpoint"], document["openings"] if kind == "public" else {})
        path = [base64.b64decode(step) for step in document["inclusion_proof"]]
        leaf = leaf_hash(file.read(f"entries/{number}.json"))
        metamorphic_log.checkpoint_verify_inclusion(note, [key], number, leaf, path)


def test_the_command_needs_nothing_but_the_file(files: dict[str, Unpacked], key: str, tmp_path: Path) -> None:
    """A process of its own, somewhere else, without a city; it says what the openings prove."""
    file = files["ruled"]
    for number in file.numbers[:1] + file.numbers[-1:]:
        checked = spawned(
            "ledger", "check", str(file.directory / f"receipts/{number}.json"), "--key", key, cwd=tmp_path
        )
        assert 0 == checked.returncode, checked.stderr
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.needs("go")
def test_the_program_in_the_readme_runs(files: dict[str, Unpacked], key: str, tmp_path: Path) -> None:
    """With golang.org/x/mod alone; it refuses an entry that was touched, and another key."""
    file = files["paged"]
    for name in ("go.mod", "go.sum"):
        shutil.copy(VERIFIER / name, tmp_path)
    told = file.read("README.txt").decode()
    (tmp_path / "main.go").write_text(told[told.index("package main") :])
    program = built(tmp_path, tmp_path / "check")
    number = file.numbers[-1]
    entry, proof = f"entries/{number}.json", f"receipts/{number}.tlog-proof"

    def checked(vkey: str, entry: str) -> int:
        command = [program, vkey, entry, proof]
        return subprocess.run(command, cwd=file.directory, check=False, capture_output=True).returncode

    assert 0 == checked(key, entry)
    assert 0 != checked(key, f"entries/{file.numbers[0]}.json")
    assert 0 != checked(key.replace(key.split("+")[1], "00000000"), entry)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not on this machine")
def test_the_lines_for_a_shell_run(files: dict[str, Unpacked]) -> None:
    """The manifest, the law's listing and a leaf hash, as the README has them; they find what was touched."""
    file = files["denied"]
    told = file.read("README.txt").decode()
    lines = re.findall(r"^   (jq .*|sha256sum .*|\(printf .*)$", told, re.MULTILINE)
    assert 4 == len(lines)
    for line in lines:
        subprocess.run(["sh", "-ec", line], cwd=file.directory, check=True, capture_output=True)
    number = file.numbers[0]
    leaf = subprocess.run(["sh", "-c", lines[3]], cwd=file.directory, capture_output=True, check=True)
    assert file.json(f"receipts/{number}.json")["leaf_hash"] == leaf.stdout.decode().strip()


@pytest.mark.parametrize("kind", ["paged", "ruled"])
def test_it_is_checked_by_hand_as_the_readme_says(files: dict[str, Unpacked], key: str, kind: str) -> None:
    """Path, root, signature and commitments, with hashes and one signature alone."""
    file = files[kind]
    note = file.read("checkpoint").decode()
    signed, _, signatures = note.partition("\n\n")
    origin, size, top = signed.split("\n")
    line = next(line for line in signatures.splitlines() if f" {origin} " in line)
    public = base64.b64decode(key.split("+", 2)[2])
    assert b"\x01" == public[:1]
    signature = base64.b64decode(line.split(" ")[2])[4:]
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature, f"{signed}\n".encode())
    for number in file.numbers:
        steps = file.read(f"receipts/{number}.tlog-proof").decode().partition("\n\n")[0].split("\n")[2:]
        n, m = number, int(size) - 1
        folded = hashlib.sha256(b"\0" + file.read(f"entries/{number}.json")).digest()
        for step in map(base64.b64decode, steps):
            if n % 2 or n == m:
                folded = hashlib.sha256(b"\1" + step + folded).digest()
                while n and not n % 2:
                    n, m = n // 2, m // 2
            else:
                folded = hashlib.sha256(b"\1" + folded + step).digest()
            n, m = n // 2, m // 2
        assert (0, top) == (m, base64.b64encode(folded).decode())
        promised = file.json(f"entries/{number}.json")["commitments"]
        openings = file.json(f"receipts/{number}.json")["openings"]
        assert promised.keys() == openings.keys()
        for name, opening in openings.items():
            said = f"gatekeeper/commitment/v1\n{name}\n".encode() + rfc8785.dumps(opening["value"])
            made = hmac.digest(base64.b64decode(opening["salt"]), said, "sha256").hex()
            assert promised[name] == made


@pytest.mark.parametrize("kind", ALL)
def test_the_law_is_the_one_that_the_entry_names(
    files: dict[str, Unpacked], bundle: Bundle, kind: str
) -> None:
    """Its text loads; its digest is the entry's, by our count and by hand from the listing."""
    file = files[kind]
    for decision in file.json("decision.json"):
        policy = json.loads(file.read(f"entries/{decision['entry']}.json"))["policy"]
        listing = file.read(f"policy/{policy['revision']}.listing")
        assert policy["digest"] == f"sha256:{hashlib.sha256(listing).hexdigest()}"
        for path, digest in json.loads(listing)[1]:
            text = file.read(f"policy/{policy['revision']}/{path}")
            assert digest == hashlib.sha256(text).hexdigest(), path
        assert policy["revision"] == bundle.revision
    loaded = load(file.directory / "policy" / bundle.revision)
    assert (bundle.revision, bundle.digest) == (loaded.revision, loaded.digest)


@pytest.mark.parametrize("kind", KINDS)
def test_the_facts_decided_anew_give_the_decision(files: dict[str, Unpacked], kind: str) -> None:
    """By the policy in the file: outcome and provisions, those that are not public too."""
    file = files[kind]
    decisions = file.json("decision.json")
    engine = Embedded(load(file.directory / "policy" / decisions[0]["policy"]["revision"]))
    assert [f"facts/{decision['entry']}.json" for decision in decisions] == file.names("facts/*")
    for decision in decisions:
        verdict = engine.evaluate(file.json(f"facts/{decision['entry']}.json"))
        assert ("permit" == decision["outcome"]) == verdict.permit
        assert [one["code"] for one in decision["provisions"]] == list(verdict.unmet)
    engine.close()


@pytest.mark.needs("opa")
def test_opa_decides_the_facts_as_the_readme_says(files: dict[str, Unpacked]) -> None:
    """Each of its commands, as it stands there."""
    file, asked = files["ruled"], []
    told = file.read("README.txt").decode()
    for command in re.findall(r"^   (opa eval .*)$", told, re.MULTILINE):
        done = subprocess.run(["sh", "-c", command], cwd=file.directory, capture_output=True, check=True)
        said = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
        asked.append(("permit" if said["permit"] else "deny", sorted(said["unmet"])))
    decided = [
        (one["outcome"], sorted(p["code"] for p in one["provisions"])) for one in file.json("decision.json")
    ]
    assert decided == asked


@pytest.mark.parametrize("kind", KINDS)
def test_the_request_is_the_one_that_was_committed_to(files: dict[str, Unpacked], kind: str) -> None:
    """The SHA-256 of the file is what the receipt opens as ``request``, an appeal included."""
    file = files[kind]
    for name in file.names("query/*"):
        opened = file.json(f"receipts/{Path(name).stem}.json")["openings"]
        assert opened["request"]["value"] == hashlib.sha256(file.read(name)).hexdigest()


def test_what_is_told_of_each_kind(files: dict[str, Unpacked]) -> None:
    """Decision with the law's words; each page's release; who did what, by role, in which words."""
    (permitted,) = files["permitted"].json("decision.json")
    assert ("permit", []) == (permitted["outcome"], permitted["provisions"])
    assert permitted["obligations"]
    (denied,) = files["denied"].json("decision.json")
    assert ["case_number"] == [one["code"] for one in denied["provisions"]]
    assert {"title", "citation", "message", "remedy"} <= denied["provisions"][0].keys()
    pages = [files["paged"].json(name) for name in files["paged"].names("released/*")]
    assert [(1, 4), (2, 4), (3, 4)] == sorted((page["page"], page["count"]) for page in pages)
    assert all(re.fullmatch("[0-9a-f]{64}", page["sha256"]) for page in pages)
    told = [(one["event"], one["role"], one["words"]) for one in files["ruled"].json("review.json")]
    assert ("review.asked", "records", WORDS) in told
    assert "agency" in {role for event, role, _ in told if event == "review.answered"}
    assert "review.ruled" in {event for event, _, _ in told}
    assert "query.previewed" == files["preview"].json("decision.json")[0]["event"]


def test_without_the_private_side_nothing_private_is_in_it(files: dict[str, Unpacked]) -> None:
    """No plate, name, word or opening, in whichever file of the query; what is public is all there."""
    file = files["public"]
    ours = [name for name in file.names() if not name.startswith(("policy/", "opa/"))]
    assert [] == [name for name in ours for word in PRIVATE if word.encode() in file.read(name)]
    full = files["ruled"]
    for kind in ("entries/*", "receipts/*.tlog-proof", "policy/**/*", "opa/**/*"):
        assert [(n, full.read(n)) for n in full.names(kind)] == [(n, file.read(n)) for n in file.names(kind)]
    assert {"not in this file"} == {one["private"] for one in file.json("decision.json")}
    for word in (PLATE, OFFICER, STORY):
        assert word.encode() in files["permitted"].read(files["permitted"].names("query/*")[0])


@pytest.mark.parametrize("kind", ["denied", "ruled"])
def test_whatever_is_touched_is_found(
    files: dict[str, Unpacked], key: str, tmp_path: Path, kind: str
) -> None:
    """A byte more in any file, by the manifest; whatever that says, entries and receipts, by the check."""
    file = Unpacked(Path(shutil.copytree(files[kind].directory, tmp_path / "copy")))
    law = file.names("policy/**/*.rego") + file.names("opa/**/*")
    for name in sorted({*file.names()} - {"manifest.json", *law[1:-1]}):
        if name.startswith("policy/") and name not in law:
            continue
        whole = file.read(name)
        (file.directory / name).write_bytes(whole + b" ")
        assert [name] == file.damaged()
        (file.directory / name).write_bytes(whole)
    for number in file.numbers:
        entry = file.directory / f"entries/{number}.json"
        entry.write_bytes(entry.read_bytes().replace(b"query.", b"query,").replace(b"review.", b"review,"))
        proof = str(file.directory / f"receipts/{number}.tlog-proof")
        assert 1 == typed("ledger", "check", proof, "--entry", str(entry), "--key", key).exit_code
        receipt = file.directory / f"receipts/{number}.json"
        document: Any = json.loads(receipt.read_bytes())
        document["openings"]["at"]["value"] = "2020-01-01T00:00:00Z"
        receipt.write_text(json.dumps(document))
        assert 1 == typed("ledger", "check", str(receipt), "--key", key).exit_code
    (file.directory / "added").write_bytes(b"")
    assert "added" in file.damaged()


def test_the_same_query_gives_the_same_bytes(office: Staffed, tmp_path: Path) -> None:
    """But for the entry by which each file was taken along, and the manifest that names it."""
    one, other = (Unpacked.of(office.exported("ruled"), tmp_path / name) for name in ("one", "other"))
    assert one.names() == other.names()
    differ = [name for name in one.names() if one.read(name) != other.read(name)]
    assert ["export.json", "manifest.json"] == differ
    for file in (one, other):
        export = file.json("export.json")
        assert export["leaf_hash"] == base64.b64encode(leaf_hash(export["text"].encode())).decode()
        proof = office.city.run("ledger", "prove", str(export["entry"]), "--json")
        assert export["text"] == json.loads(proof)["entry"]


@pytest.mark.parametrize(
    "name",
    ["../out", "/etc/passwd", "a/../../out", "a//b", "a\\b", "C:/a", "./a", "a/.", "", "a\nb", "é", "a/"],
)
def test_no_name_leads_out_of_it(name: str) -> None:
    """Whatever somebody made of a stored text of the law."""
    with pytest.raises(LedgerCorrupt, match="no name of a file"):
        zipped({name: b""}, datetime(2026, 11, 1, tzinfo=UTC))


# --- Erased and held. -------------------------------------------------------------------------------------


def _of(town: Town, plate: str, place: Path) -> Unpacked:
    dossier = court_of(town.state).gather(town.ids[plate], COUNSEL, "A made-up subpoena", private=True)
    return Unpacked.of(court_file(dossier), place / plate)


def test_what_was_erased_is_said_to_be_and_the_rest_is_there(town: Town, tmp_path: Path) -> None:
    """No request, facts or openings; every entry, proof and the law. What is held, or recent, is whole."""
    town.hold()
    town.erase()
    gone, held, recent = (_of(town, plate, tmp_path) for plate in (GONE, HELD, RECENT))
    told = gone.read("README.txt").decode()
    assert "WHAT HAS BEEN ERASED" in told
    assert f"N = {', '.join(map(str, gone.numbers))}." in told
    assert [] == gone.names("query/*") + gone.names("facts/*")
    assert {"erased"} == {one["private"] for one in gone.json("decision.json")}
    assert [None] == [gone.json(name)["count"] for name in gone.names("released/*")]
    key = town.state.log_key.vkey
    for file in (gone, held, recent):
        assert [] == file.damaged()
        assert file.names("policy/*/main/main.rego")
        for number in file.numbers:
            receipt = str(file.directory / f"receipts/{number}.json")
            assert 0 == typed("ledger", "check", receipt, "--key", key).exit_code
    for plate, file in ((HELD, held), (RECENT, recent)):
        assert "WHAT HAS BEEN ERASED" not in file.read("README.txt").decode()
        assert plate.encode() in file.read(file.names("query/*")[0])
