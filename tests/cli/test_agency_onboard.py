"""An agency is taken in whole: by a file whose every fault is said at once, or asked for step by step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from gatekeeper import settings
from gatekeeper.cli import affirmation, client, onboarding
from gatekeeper.cli.onboarding_file import EXAMPLE, LARGEST
from gatekeeper.errors import LedgerUnavailable
from gatekeeper.policy import load, shipped_policies
from gatekeeper.state import open_state
from tests.cli.shell import City, typed
from tests.lawful import put_in_force

WHOLE = ["agency.added", "agency.affirmed", "credential.added"]
ID = "sample-city-pd"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the example, with the paper and the key that it names."""
    (tmp_path / "affirmation.pdf").write_bytes(b"signed")
    (tmp_path / "sample-city-pd.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
    path = tmp_path / "agency.yaml"
    path.write_text(EXAMPLE, "utf-8")
    return path


def _onboard(city: City, file: Path, *more: str) -> str:
    return city.run("agency", "onboard", "--file", str(file), *more)


def _refused(city: City, file: Path) -> str:
    result = typed("agency", "onboard", "--file", str(file), "--data", str(city.data))
    assert (1, "") == (result.exit_code, result.stdout), result.output
    assert [] == city.events()
    return result.stderr


def test_the_example_that_is_printed_is_taken_in_whole(city: City, file: Path) -> None:
    """Registry, source of the flag, paper with its hash, client and key; each told of by an entry."""
    assert EXAMPLE == typed("agency", "onboard", "--example").stdout
    said = _onboard(city, file)
    assert "client_id" in said
    assert "client_secret" not in said
    (row,) = city.rows("agency", "show", ID)
    assert ["records@sample-city.example"] == row["contacts"]
    assert ("https://www.ice.gov/identify-and-arrest/287g", "2026-11-02", False) == (
        row["287g_source"],
        row["287g_looked_up"],
        row["287g"],
    )
    (signed,) = city.rows("affirmation", "list")
    (shown,) = city.rows("affirmation", "show", signed["id"])
    assert hashlib.sha256(b"signed").hexdigest() == shown["document_sha256"]
    assert WHOLE == city.events()


def test_a_client_is_known_by_its_certificates_name(city: City, file: Path) -> None:
    """RFC 8705: in the place of a key; a second run registers nothing twice."""
    file.write_text(
        EXAMPLE.replace("  keys: [", "  # ").replace("# certificate_name", "certificate_name"), "utf-8"
    )
    _onboard(city, file)
    assert "nothing was changed" in _onboard(city, file)
    (row,) = city.rows("client", "list")
    assert "fapi" == row["profile"]
    (shown,) = city.rows("client", "show", row["client_id"])
    assert [" tls_client_auth active"] == [key[key.index(" ") :] for key in shown["keys"]]


def test_json_of_the_same_shape_will_do(city: City, file: Path) -> None:
    """A machine writes JSON."""
    document = {
        "id": ID,
        "name": "Sample City Police",
        "kind": "local",
        "state": "IL",
        "ori": None,
        "contacts": ["chief@sample-city.example"],
        "agreement_287g": {"has": False, "source": "Letter of 3 November", "looked_up": "2026-11-02"},
    }
    file.write_text(json.dumps(document), "utf-8")
    _onboard(city, file)
    assert ["agency.added"] == city.events()


def test_a_check_enters_nothing(city: City, file: Path) -> None:
    """An operator looks first."""
    assert "nothing was entered" in _onboard(city, file, "--check")
    assert [] == city.events()


def test_a_second_run_enters_nothing_twice(city: City, file: Path) -> None:
    """Nobody knows after a mishap whether the first went through."""
    _onboard(city, file)
    assert "nothing was changed" in _onboard(city, file)
    assert WHOLE == city.events()


@pytest.mark.parametrize("step", range(3))
def test_what_was_cut_short_can_ask_nothing_and_is_finished_by_the_same_command(
    city: City, file: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step the log refuses: the client is the last, and the second run enters what is missing."""
    steps = [
        (onboarding, "make"),
        (affirmation, "record"),
        (client, "entering"),
    ]

    def fails(*_: object, **__: object) -> None:
        raise LedgerUnavailable("a sudden end")

    with monkeypatch.context() as patched:
        patched.setattr(*steps[step], fails)
        result = typed("agency", "onboard", "--file", str(file), "--data", str(city.data))
    assert (1, "ledger_unavailable: a sudden end\n") == (result.exit_code, result.stderr)
    assert WHOLE[:step] == city.events()
    assert [] == city.rows("client", "list")
    _onboard(city, file)
    assert WHOLE == city.events()


def test_a_file_that_is_run_again_brings_no_stolen_key_back(city: City, file: Path) -> None:
    """Whoever runs it each night would hand the client back to the thief."""
    city.run("agency", "onboard", "--file", str(file))
    (client,) = [row["client_id"] for row in city.rows("client", "list")]
    typed("client", "stolen", client, "--reason", "A laptop was stolen from a car", "--data", str(city.data))
    before = city.events()
    for more in (("--check",), ()):
        done = typed("agency", "onboard", "--file", str(file), *more, "--data", str(city.data))
        assert (1, True) == (done.exit_code, "client/keys" in done.stderr), done.output
    assert before == city.events()
    assert [(client, "revoked")] == [(row["client_id"], row["status"]) for row in city.rows("client", "list")]


def test_whoever_is_registered_otherwise_is_not_changed_by_it(city: City, file: Path) -> None:
    """The message names what differs, and the command that changes it."""
    _onboard(city, file)
    file.write_text(EXAMPLE.replace("records@", "chief@").replace("IL0160000", "IL0170000"), "utf-8")
    result = typed("agency", "onboard", "--file", str(file), "--data", str(city.data))
    assert 1 == result.exit_code
    for said in ("- ori:", "- contacts:", f"gatekeeper agency change {ID}"):
        assert said in result.stderr
    assert WHOLE == city.events()


def test_every_fault_is_said_at_once(city: City, file: Path) -> None:
    """Each with its place: nobody runs it six times."""
    changed = EXAMPLE
    for good, bad in (
        ("id: sample-city-pd ", "id: x "),
        ("kind: local ", "kind: sheriff "),
        ("ori: IL0160000", "ori: X"),
        ("records@sample-city.example", "the chief"),
        ("has: no", "has: perhaps"),
        ("looked_up: 2026-11-02", "looked_up: 2126-11-02"),
        ("- kind: affirmation ", "- kind: promise "),
        ("signed_on: 2026-11-02", "signed_on: soon"),
        ("affirmation.pdf", "no-such.pdf"),
        ("[sample-city-pd.pem]", "[affirmation.pdf]"),
        ("client:", "colour: blue\nclient:"),
    ):
        assert good in changed
        changed = changed.replace(good, bad)
    file.write_text(changed, "utf-8")
    said = _refused(city, file)
    for where in (
        "id", "kind", "ori", "contacts/0", "agreement_287g/has", "agreement_287g/looked_up",
        "signed/0/kind", "signed/0/signed_on", "signed/0/document", "client/keys/0", "colour",
    ):  # fmt: skip
        assert f"  - {where}: " in said, (where, said)
    assert "; 11 to cure" in said


_FILES: dict[str, tuple[Callable[[str], bytes], str]] = {
    "no contact": (lambda text: text.replace("  - records@sample-city.example\n", "").encode(), "contacts:"),
    "no source": (
        lambda text: text.replace("  source: https://www.ice", "  # ").encode(),
        "source: it is missing",
    ),
    "a private key": (lambda text: text.replace("affirmation.pdf", "x").encode(), "document"),
    "a name twice": (lambda text: (text + "\nid: another-city-pd\n").encode(), "each name once"),
    "not UTF-8": (lambda text: text.encode() + b"\xff", "UTF-8"),
    "not YAML": (lambda _: b"{", "not YAML"),
    "a list": (lambda _: b"- a\n- b\n", "it names id"),
    "nothing": (lambda _: b"", "it names id"),
    "a tag": (lambda _: b"id: !!python/object/apply:os.system ['true']\n", "id: it is one text"),
    "a loop": (lambda _: b"&a [*a]\n", "not YAML"),
    "a loop of names": (lambda _: b"contacts: &a [*a]\n", "not YAML"),
    "too large": (lambda text: (text + "#" * LARGEST).encode(), "larger than"),
    "deep": (lambda _: b"[" * 30_000, "not YAML"),
    "a line in the name": (
        lambda text: text.replace("Sample City Police Department", '"a\\nb"').encode(),
        "name:",
    ),
    "a name of NUL": (
        lambda text: text.replace("Sample City Police Department", '"a\\0b"').encode(),
        "name:",
    ),
    "no state": (lambda text: text.replace("state: IL", "# ").encode(), "state:"),
    "a federal state": (
        lambda text: text.replace("kind: local", "kind: federal").encode(),
        "leave out state",
    ),
    "two keys alike": (
        lambda text: text.replace(
            "[sample-city-pd.pem]", "[sample-city-pd.pem, sample-city-pd.pem]"
        ).encode(),
        "two keys have one kid",
    ),
    "basic, not served": (
        lambda text: text.replace("profile: fapi ", "profile: basic ").encode(),
        'GATEKEEPER_CLIENT_PROFILES="basic fapi"',
    ),
    "a certificate's name for a bearer of tokens": (
        lambda text: (
            text.replace("profile: fapi ", "profile: private_key ")
            .replace("  keys: [", "  # ")
            .replace("# certificate_name", "certificate_name")
            .encode()
        ),
        "client/certificate_name: a certificate's name is for the profile fapi",
    ),
    "a certificate's name of no kind": (
        lambda text: text.replace(
            "# certificate_name: {kind: san_dns", "certificate_name: {kind: cn"
        ).encode(),
        "client/certificate_name/kind: it is one of subject_dn",
    ),
    "a certificate's name that is none": (
        lambda text: (
            text.replace("# certificate_name", "certificate_name")
            .replace("{kind: san_dns", "{kind: san_ip")
            .encode()
        ),
        "client/certificate_name: that is no name of a certificate",
    ),
    "no key": (lambda text: text.replace("  keys: [", "  # ").encode(), "client/keys"),
    "ended": (
        lambda text: text.replace("expires_on: 2027-11-02", "expires_on: 2026-11-03").encode(),
        "expires_on",
    ),
}


@pytest.mark.parametrize(("make", "said"), _FILES.values(), ids=_FILES.keys())
def test_a_file_that_is_not_right_enters_nothing(
    city: City, file: Path, make: Callable[[str], bytes], said: str
) -> None:
    """A clear message, and no traceback, whatever stands in it."""
    file.write_bytes(make(EXAMPLE))
    assert said in _refused(city, file)


def test_a_paper_without_an_end_ends_when_the_law_finds_it_too_old(city: City, file: Path) -> None:
    """Recorded so, and refused once that day has come: it would be of no use."""
    with closing(open_state(settings.load(data=city.data))) as state:
        put_in_force(state, load(shipped_policies()))
    without = "".join(line for line in EXAMPLE.splitlines(keepends=True) if "expires_on" not in line)
    file.write_text(without.replace("signed_on: 2026-11-02", "signed_on: 2024-01-02"), "utf-8")
    result = typed("agency", "onboard", "--file", str(file), "--data", str(city.data))
    assert (1, True) == (result.exit_code, "signed/0/signed_on: the law in force takes it" in result.stderr)
    today = datetime.now(UTC).date()
    file.write_text(without.replace("signed_on: 2026-11-02", f"signed_on: {today}"), "utf-8")
    _onboard(city, file)
    (signed,) = city.rows("affirmation", "list")
    assert str(today + timedelta(731)) == signed["expires_on"]


ANSWERS = [
    "quarry-hill-so", "Quarry Hill Sheriff (sample)", "local", "IL", "-", "so@quarry-hill.example", "no",
    "https://www.ice.gov/identify-and-arrest/287g", "2026-11-02", "-", "-",
]  # fmt: skip


def _asked(city: City, *answers: str) -> str:
    result = typed("agency", "onboard", "--data", str(city.data), text="\n".join(answers) + "\n")
    assert "Traceback" not in result.output
    return result.output


def test_what_is_asked_for_is_checked_as_it_is_typed(city: City) -> None:
    """A wrong answer is asked again, with what would be right; then all of it is entered."""
    wrong = [
        "x",
        *ANSWERS[:2],
        "sheriff",
        ANSWERS[2],
        "zz",
        *ANSWERS[3:5],
        "nobody",
        *ANSWERS[5:8],
        "2126-01-01",
    ]
    said = _asked(city, *wrong, *ANSWERS[8:], "y")
    for cure in ("10 to 64 letters", "one of local", "that is no state", "e-mail addresses", "still to come"):
        assert f"Error: {cure}" in said or cure in said
    assert ["agency.added"] == city.events()
    assert "still lacks a signature: gatekeeper affirmation invite" in said
    assert "still lacks a client: gatekeeper client add" in said


@pytest.mark.parametrize("answered", range(len(ANSWERS) + 1))
def test_whoever_ends_it_leaves_nothing_behind(city: City, answered: int) -> None:
    """At any question, and at the last one."""
    _asked(city, *ANSWERS[:answered])
    assert [] == city.events()


def test_a_signed_paper_and_a_key_are_asked_for(city: City, file: Path) -> None:
    """By their files; a file that is not there is asked for again."""
    paper = ["affirmation", "2026-01", "Pat Example", "Sheriff", "2026-11-02", "2027-11-02"]
    files = [str(file.parent / "none.pdf"), str(file.parent / "affirmation.pdf")]
    key = ["fapi", str(file), str(file.parent / "sample-city-pd.pem")]
    said = _asked(city, *ANSWERS[:9], *paper, *files, "-", *key, "y")
    assert "check its path" in said
    assert "not a public key" in said
    assert WHOLE == city.events()


def test_the_record_of_an_agency_is_changed_with_a_reason(city: City) -> None:
    """Contacts, name, ORI and the flag with its source; what does not fit changes nothing."""
    agency, why = city.add_agency(), ["--reason", "Letter of the chief"]
    city.run("agency", "change", agency, "--contact", "chief@maple.example", *why)
    flag = ["--287g", "--287g-source", "https://example.gov/list", "--287g-looked-up", "2026-11-02"]
    city.run("agency", "change", agency, *flag, *why)
    (row,) = city.rows("agency", "show", agency)
    assert (["chief@maple.example"], True, "2026-11-02") == (
        row["contacts"],
        row["287g"],
        row["287g_looked_up"],
    )
    for bad, cure in (
        (["--contact", "nobody"], "e-mail"),
        (["--287g"], "--287g-source"),
        (["--ori", "x"], "--ori"),
        (["--name", " "], "--name"),
        (["--287g-looked-up", "2126-01-01"], "still to come"),
        ([], "what to change"),
    ):
        assert cure in city.refused("agency", "change", agency, *bad, *why)
    assert ["agency.added", "agency.changed", "agency.changed"] == city.events()
