"""Every defect that refuses a policies directory, each named for what it would let through."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.errors import BundleRefused
from gatekeeper.policy import load
from gatekeeper.policy.cures import UNKNOWN
from gatekeeper.policy.findings import finding_of
from tests.policy.laws import SMALL

Change = Callable[[Path], object]
HOURS = '{"hours": {"by_provision": {"standng": 8}}}'


def _write(path: str, text: str) -> Change:
    def change(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return change


def _edit(path: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return change


def _append(path: str, text: str) -> Change:
    return lambda root: (root / path).write_text((root / path).read_text() + text)


def _link(path: str) -> Change:
    def change(root: Path) -> None:
        (root / path).unlink()
        (root / path).symlink_to(SMALL / path)

    return change


def _delete(path: str) -> Change:
    return lambda root: (root / path).unlink()


def _all(*changes: Change) -> Change:
    return lambda root: [change(root) for change in changes]


STANDING = "sharing/standing/standing.rego"
PURPOSE = "sharing/purpose/purpose.rego"
BADGE = "packs/south/south_badge/south_badge.rego"

REFUSED: dict[str, tuple[Change, str]] = {
    "no manifest": (_delete(".manifest"), ".manifest: missing"),
    "manifest not json": (_write(".manifest", "{"), ".manifest: not JSON"),
    "manifest with an unknown key": (_edit(".manifest", '"label"', '"x": 1, "label"'), "must have exactly"),
    "no provisions": (_edit(".manifest", '["standing", "purpose"]', "[]"), "an empty law would permit all"),
    "provisions not a list": (_edit(".manifest", '["standing", "purpose"]', '"standing"'), "an empty law"),
    "provision twice": (_edit(".manifest", '["standing",', '["standing", "standing",'), "listed twice"),
    "provision of a bad name": (_edit(".manifest", '["standing",', '["../x",'), "lower-case letters"),
    "roots that leave room": (_edit(".manifest", '[""]', '["sharing"]'), "roots must be"),
    "another rego": (_edit(".manifest", '"rego_version": 1', '"rego_version": 0'), "rego_version"),
    "true for one": (_edit(".manifest", '"rego_version": 1', '"rego_version": true'), "rego_version"),
    "label with a plus": (_edit(".manifest", "small-1", "small+1"), "label must be"),
    "duplicate key in manifest": (_edit(".manifest", '"label"', '"label": "a", "label"'), "written twice"),
    "listed without its file": (_delete(STANDING), "missing, though the manifest lists standing"),
    "file not listed": (
        _edit(".manifest", '["standing", "purpose"]', '["standing"]'),
        "not listed in the manifest",
    ),
    "no test": (_delete("sharing/standing/standing_test.rego"), "an untested provision is not law"),
    "test file without tests": (
        _write("sharing/standing/standing_test.rego", "package sharing.standing_test\n"),
        "an untested provision is not law",
    ),
    "no capabilities": (_delete("capabilities.json"), "capabilities.json: missing"),
    "capabilities of another shape": (_write("capabilities.json", '["count"]'), "capabilities.json: must be"),
    "capabilities unsorted": (
        _write("capabilities.json", '{"builtins": ["lower", "count"]}'),
        "must be sorted",
    ),
    "capabilities that allow the network": (
        _write(
            "capabilities.json", '{"builtins": ["count", "http.send", "is_string", "lower", "startswith"]}'
        ),
        "http.send may never be used",
    ),
    "builtin outside the list": (
        _append(STANDING, "\nx := upper(input.agency.id)\n"),
        "upper is not in the closed",
    ),
    "builtin inside a comprehension": (
        _append(STANDING, '\nx := [y | y := base64.encode("a")]\n'),
        "base64.encode is not in the closed",
    ),
    "http": (
        _append(STANDING, '\nx := http.send({"method": "get", "url": "http://a"})\n'),
        "http.send is not in",
    ),
    "environment": (_append(STANDING, "\nx := opa.runtime()\n"), "opa.runtime is not in"),
    "chance": (_append(STANDING, '\nx := rand.intn("a", 3)\n'), "rand.intn is not in"),
    "clock": (_append(STANDING, "\nx := time.now_ns()\n"), "time.now_ns is not in"),
    "name server": (_append(STANDING, '\nx := net.lookup_ip_addr("a")\n'), "net.lookup_ip_addr is not in"),
    "metadata": (_append(STANDING, "\nx := rego.metadata.rule()\n"), "rego.metadata.rule is not in"),
    "print": (_append(STANDING, "\nx if print(input.agency)\n"), "print is not in"),
    "with outside tests": (
        _append(
            STANDING,
            '\nx if y with input.agency.status as "active"\n\ny if input.agency.status == "active"\n',
        ),
        "`with` replaces facts",
    ),
    "rule named as a builtin": (_append(STANDING, "\nlower := 1\n"), "hides what is built in"),
    "recursion": (_append(STANDING, "\nx if y\n\ny if x\n"), "depends on itself"),
    "recursive function that is called": (
        _edit(STANDING, "satisfied if {", "f(n) := f(n)\n\nsatisfied if f(1)\n\nsatisfied if {"),
        "the engine died in its trial",
    ),
    "recursion across packages": (
        lambda root: (
            _append("facts/agency/agency.rego", "\na if data.facts.ruling.b\n")(root),
            _append("facts/ruling/ruling.rego", "\nb if data.facts.agency.a\n")(root),
        ),
        "depends on itself",
    ),
    "reference to nothing": (
        _edit(STANDING, "facts.agency.active", "facts.agency.actve"),
        "nothing that exists",
    ),
    "reference to a missing package": (
        _edit(STANDING, "data.facts.agency", "data.facts.agncy"),
        "nothing that exists",
    ),
    "computed reference": (_append(STANDING, "\nx := data[input.agency.id]\n"), "nothing that exists"),
    "import of nothing": (
        _edit(PURPOSE, "import data.facts.ruling", "import data.facts.rulings as ruling"),
        "imports",
    ),
    "reads another provision": (
        _append(STANDING, "\nx if data.sharing.purpose.satisfied\n"),
        "reads data.sharing.purpose.satisfied",
    ),
    "imports another provision": (
        _edit(
            PURPOSE, "import data.facts.ruling", "import data.facts.ruling\nimport data.sharing.standing as s"
        ),
        "reads data.sharing.standing",
    ),
    "reads main": (_append(STANDING, "\nx if data.main.permit\n"), "reads data.main.permit"),
    "fact that reads a provision": (
        _append("facts/agency/agency.rego", "\nx if data.sharing.purpose.satisfied\n"),
        "reads data.sharing.purpose",
    ),
    "ruling where none may reach": (_append(STANDING, "\nx if input.ruling\n"), "yet it reads input.ruling"),
    "ruling through a fact": (
        _append(STANDING, '\nx if data.facts.ruling.permits("standing")\n'),
        "yet it reads input.ruling",
    ),
    "ruling through the whole input": (_append(STANDING, "\nx := input\n"), "yet it reads input.ruling"),
    "ruling by a computed name": (
        _append(STANDING, '\nx := input[lower("RULING")]\n'),
        "yet it reads input.ruling",
    ),
    "ruling for another provision": (
        _append(PURPOSE, '\nx if input.ruling.standing == "staff"\n'),
        "only its own, input.ruling.purpose",
    ),
    "ruling for another provision through a fact": (
        _append("facts/ruling/ruling.rego", '\npermits if input.ruling["standing"] == "staff"\n'),
        "only its own, input.ruling.purpose",
    ),
    "rulings as a whole": (_append(PURPOSE, "\nx if count(input.ruling) > 0\n"), "only its own"),
    "rulings by a variable": (
        _append(PURPOSE, '\nx if {\n\tsome code in data.city.purposes\n\tinput.ruling[code] == "staff"\n}\n'),
        "only its own",
    ),
    "rulings through the whole input": (_append(PURPOSE, "\nx := input\n"), "only its own"),
    "ruling by an import": (
        _edit(
            STANDING, "package sharing.standing", "package sharing.standing\n\nimport input.ruling as mine"
        ),
        "imports input.ruling",
    ),
    "manifest without packs": (
        _edit(".manifest", '"packs": {"north": [], "south": ["south_badge"]}', '"packs": []'),
        "packs must give for each pack the list",
    ),
    "pack of a bad name": (_edit(".manifest", '"north": []', '"../x": []'), "'../x' is no name of a pack"),
    "pack's provision without its name": (
        _edit(".manifest", '["south_badge"]', '["badge"]'),
        "badge must begin with the name of its pack, south_",
    ),
    "provision of two packs": (
        _edit(".manifest", '"north": []', '"south_badge": [], "south_badge_x": []'),
        "the manifest lists the pack south_badge",
    ),
    "provision of a pack and of all": (
        _edit(".manifest", '["standing", "purpose"]', '["standing", "purpose", "south_badge"]'),
        "south_badge is listed twice",
    ),
    "pack listed without a directory": (
        lambda root: shutil.rmtree(root / "packs/north"),
        "packs/north/pack.json: missing or unreadable, though the manifest lists the pack north",
    ),
    "pack listed without its data": (_delete("packs/south/pack.json"), "packs/south/pack.json: missing"),
    "pack whose data is not json": (_write("packs/south/pack.json", "{"), "packs/south/pack.json: not JSON"),
    "pack that breaks its schema": (
        _edit("packs/south/pack.json", '"SS"', "7"),
        "packs/south/pack.json:1: /state: 7 is not of type",
    ),
    "packs without a schema": (_delete("schema/pack.json"), "packs/south/pack.json: has no schema/pack.json"),
    "pack not listed": (_write("packs/west/pack.json", "{}"), "does not list the pack west"),
    "pack that says fewer provisions": (
        _edit("packs/south/pack.json", '["south_badge"]', "[]"),
        "packs/south/pack.json: /provisions must be those that the manifest lists for south: south_badge",
    ),
    "pack that says more provisions": (
        _edit("packs/north/pack.json", "[]", '["south_badge"]'),
        "packs/north/pack.json: /provisions must be those that the manifest lists for north: none",
    ),
    "pack's provision without its file": (_delete(BADGE), "missing, though the manifest lists south_badge"),
    "pack's provision without its test": (
        _delete("packs/south/south_badge/south_badge_test.rego"),
        "an untested provision is not law",
    ),
    "pack's provision not listed": (
        _all(
            _edit(".manifest", '["south_badge"]', "[]"),
            _edit("packs/south/pack.json", '["south_badge"]', "[]"),
        ),
        f"{BADGE}: not listed in the manifest",
    ),
    "pack's provision in a directory of another name": (
        _write("packs/south/south_badge/south_more.rego", "package packs.south.south_badge\n"),
        "belongs nowhere",
    ),
    "pack's provision without metadata, where the pack is off": (
        _edit(BADGE, "# METADATA", "# METADTA"),
        "no METADATA directly above",
    ),
    "data in the place of the packs": (_write("data/pack.json", "{}"), "'data/pack.json': belongs nowhere"),
    "city without packs": (
        _edit("data/city.json", '"packs": ["north"], ', ""),
        "/packs must list at least one",
    ),
    "city with no pack": (
        _edit("data/city.json", '["north"]', "[]"),
        "/packs must list at least one of the packs north, south",
    ),
    "city with a pack that is misspelt": (
        _edit("data/city.json", '["north"]', '["nort"]'),
        "data/city.json: /packs/0: there is no pack 'nort'; did you mean north? The packs are north, south",
    ),
    "city with a pack that is no text": (
        _edit("data/city.json", '["north"]', '["north", 7]'),
        "data/city.json: /packs/1: there is no pack '7'",
    ),
    "city with a pack twice": (
        _edit("data/city.json", '["north"]', '["north", "north"]'),
        "lists a pack twice",
    ),
    "city with the pack of another state": (
        _edit("data/city.json", '["north"]', '["north", "south"]'),
        "data/city.json: /packs/1: south is the law of SS, and the city's /state is NN",
    ),
    "city of a state without its pack": (
        _edit("data/city.json", '"NN"', '"SS"'),
        "data/city.json: /packs/0: north is the law of NN, and the city's /state is SS",
    ),
    "city with hours for a provision that there is not": (
        _edit(
            "data/city.json",
            '"max_records"',
            '"review": {"hours": {"by_provision": {"standng": 8}}}, "max_records"',
        ),
        "data/city.json: /review/hours/by_provision/standng: there is no provision of that code",
    ),
    "quota that does not come back in a day": (
        _edit(
            "data/city.json",
            '"max_records"',
            '"quotas": {"agency": {"capacity": 25, "refill": 1, "per": "hour", "reserve": 0}}, "max_records"',
        ),
        "data/city.json: /quotas/agency: more than comes back in a day",
    ),
    "quota of one agency that is all reserve": (
        _edit(
            "data/city.json",
            '"max_records"',
            '"quotas": {"agencies": {"a": {"officer": '
            '{"capacity": 5, "refill": 5, "per": "day", "reserve": 5}}}}, "max_records"',
        ),
        "data/city.json: /quotas/agencies/a/officer: the reserve is all of it",
    ),
    "what binds every city reads a pack": (
        _append(STANDING, "\nx := data.pack.north.state\n"),
        "reads data.pack.north.state: the law of a pack depends on no other",
    ),
    "what binds every city reads the city's choice": (
        _append(STANDING, '\nx if "north" in data.city.packs\n'),
        "reads data.city.packs: the law of a pack",
    ),
    "what binds every city reads all settings": (
        _append(STANDING, "\nx := data.city\n"),
        "reads data.city: the law of a pack",
    ),
    "pack that reads another": (
        _append(BADGE, "\nx := data.pack.north.state\n"),
        "reads data.pack.north.state: the law of a pack depends on no other",
    ),
    "pack that reads a provision": (
        _append(BADGE, "\nx if data.sharing.standing.satisfied\n"),
        "reads data.sharing.standing.satisfied: each provision is judged on the facts alone",
    ),
    "provision that reads a pack's": (
        _append(STANDING, "\nx if data.packs.south.south_badge.satisfied\n"),
        "reads data.packs.south.south_badge.satisfied: each provision is judged on the facts alone",
    ),
    "main that proves a pack's provision in every city": (
        _edit("main/main.rego", '\t"south" in data.city.packs\n', ""),
        "needs exactly one rule",
    ),
    "main that proves a pack's provision where another is selected": (
        _edit("main/main.rego", '"south" in data.city.packs', '"north" in data.city.packs'),
        "could call proved",
    ),
    "main that asks for what no pack of the city adds": (
        _edit(
            "main/main.rego",
            'provisions := {"standing", "purpose"}',
            'provisions := {"standing", "purpose", "x"}',
        ),
        "main/main.rego: asks for x, which is neither for every city nor of a pack",
    ),
    "main that forgets a provision": (
        _edit("main/main.rego", 'proved contains "purpose" if data.sharing.purpose.satisfied == true\n', ""),
        "needs exactly one rule",
    ),
    "main that proves by another rule": (
        _append("main/main.rego", '\nproved contains "purpose"\n'),
        "could call proved",
    ),
    "main that proves what is merely defined": (
        _edit("main/main.rego", "data.sharing.purpose.satisfied == true", "data.sharing.purpose.satisfied"),
        "needs exactly one rule",
    ),
    "main that proves what is not law": (
        _append("main/main.rego", '\nproved contains "extra" if data.sharing.purpose.satisfied == true\n'),
        "could call proved",
    ),
    "no main": (_delete("main/main.rego"), "main/main.rego: missing"),
    "no decision": (_edit("main/main.rego", "decision :=", "decisions :="), "has no rule decision"),
    "package is not the path": (
        _edit(STANDING, "package sharing.standing", "package sharing.stand"),
        "is not its path",
    ),
    "package of another": (
        _edit(STANDING, "package sharing.standing", "package sharing.purpose"),
        "is not its path",
    ),
    "not rego": (_append(STANDING, "\nx if {\n"), STANDING),
    "unknown function": (_append(STANDING, "\nx if no_such(1)\n"), "no_such is not in the closed"),
    "satisfied by no facts": (
        _edit(STANDING, "default satisfied := false", "default satisfied := true"),
        "satisfied by no facts at all",
    ),
    "undefined without facts": (
        _edit("main/main.rego", "default permit := false", ""),
        "it must be a denial",
    ),
    "fails on odd input": (
        _append(
            "main/main.rego",
            "\npermit := 3 if is_string(input.agency.id)\n\npermit := 4 if is_string(input.agency.id)\n",
        ),
        "the trial failed",
    ),
    "data without schema": (_delete("schema/city.json"), "data/city.json: has no schema"),
    "schema without data": (_delete("data/city.json"), "there is no data/city.json"),
    "data that breaks its schema": (
        _edit("data/city.json", "100", '"100"'),
        "city.json:1: /max_records",
    ),
    "data with a key twice": (
        _edit("data/city.json", '"max_records"', '"max_records": 1, "max_records"'),
        "twice",
    ),
    "data with a huge number": (_edit("data/city.json", "100", "1" + "0" * 40), "a number is too large"),
    "data with infinity": (_edit("data/city.json", "100", "1e999"), "a number is too large"),
    "data with NaN": (_edit("data/city.json", "100", "NaN"), "NaN is not JSON"),
    "data nested without end": (_write("data/city.json", "[" * 100_000), "nested too deeply"),
    "data named as a package": (
        lambda root: (_write("data/main.json", "{}")(root), _write("schema/main.json", "{}")(root)),
        "has the name of a package",
    ),
    "schema that is none": (_write("schema/city.json", '{"type": "objekt"}'), "not a JSON schema"),
    "schema from elsewhere": (
        _write("schema/city.json", '{"$ref": "http://127.0.0.1:9/x"}'),
        "not a JSON schema",
    ),
    "file of no known place": (_write("extra.rego", "package extra\n"), "'extra.rego': belongs nowhere"),
    "second module of a provision": (
        _write("sharing/purpose/more.rego", "package sharing.purpose\n"),
        "belongs nowhere",
    ),
    "editor's backup": (_write("main/main.rego~", ""), "belongs nowhere"),
    "link to a file": (
        _link(STANDING),
        "neither a plain file nor a directory",
    ),
    "link to a directory": (
        lambda root: (root / "cases").symlink_to(SMALL),
        "neither a plain file nor a directory",
    ),
    "not utf-8": (lambda root: (root / "data/city.json").write_bytes(b'{"a": "\xff"}'), "not UTF-8"),
    "NUL": (_append(STANDING, "# \0\n"), "holds NUL"),
    "byte order mark": (
        lambda root: (root / "data/city.json").write_bytes(b"\xef\xbb\xbf{}"),
        "byte order mark",
    ),
    "a line that shows in another order": (_append(STANDING, "# \u202e\n"), "holds U+202E"),
    "a letter of no width": (_append(STANDING, "# sta\u200bff\n"), "holds U+200B"),
    "a line within a line": (_append(STANDING, "# a\u2028b\n"), "holds U+2028"),
    "carriage returns": (_append(STANDING, "# a\r\n"), "carriage returns"),
    "huge file": (_append(STANDING, "# aaaaaaaa\n" * 120_000), "larger than"),
    "no metadata": (_edit(STANDING, "# METADATA", "# METADTA"), "no METADATA directly above"),
    "metadata not above the package": (
        _edit(STANDING, "package sharing.standing", "\npackage sharing.standing"),
        "no METADATA directly above",
    ),
    "metadata twice": (
        _edit(STANDING, "# METADATA", "# METADATA\n# title: x\n# METADATA"),
        "more than one METADATA",
    ),
    "metadata not yaml": (_edit(STANDING, "# custom:", "# custom: ]"), "is not YAML"),
    "metadata of one rule": (
        _edit(STANDING, "# custom:", "# scope: rule\n# custom:"),
        "scope must be package",
    ),
    "metadata with a key twice": (
        _edit(STANDING, "#   review:", "#   review: staff\n#   review:"),
        "is not YAML",
    ),
    "mistyped key": (_edit(STANDING, "#   public:", "#   publik:"), "unknown key publik"),
    "mistyped top key": (_edit(STANDING, "# custom:", "# titel: x\n# custom:"), "unknown key titel"),
    "custom not a mapping": (_edit(STANDING, "# custom:\n", "# custom: 3\n# organizations:\n"), "custom"),
    "verified in words": (
        _edit(STANDING, "verified: false", "verified: 'false'"),
        "verified must be true or false",
    ),
    "public as a number": (_edit(STANDING, "public: true", "public: 1"), "public must be true or false"),
    "date that does not parse": (_edit(STANDING, "2024-01-01", "2024-13-01"), "METADATA"),
    "date with a time": (
        _edit(STANDING, "2024-01-01", "2024-01-01T00:00:00Z"),
        "effective_on must be a date",
    ),
    "unknown review": (
        _edit(STANDING, "review: none", "review: maybe"),
        "review must be none, staff or counsel",
    ),
    "two people in words": (
        _edit(STANDING, "#   review: none", "#   review: staff\n#   two_people: 'yes'"),
        "two_people must be true or false",
    ),
    "two people where nobody may rule": (
        _edit(STANDING, "#   review: none", "#   review: none\n#   two_people: true"),
        "two_people must be false where review is none",
    ),
    "null review": (_edit(STANDING, "review: none", "review: null"), "review must be"),
    "empty message": (
        _edit(STANDING, "message: Your agency is not in good standing.", "message: ''"),
        "message must be",
    ),
    "no rules": (_edit(STANDING, "rules: [T-1]", "rules: []"), "rules must be a list"),
    "rules as a text": (_edit(STANDING, "rules: [T-1]", "rules: T-1"), "rules must be a list"),
    "link without an address": (_edit(STANDING, "#   - ref:", "#   - reff:"), "related_resources must be"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the small law that a test may spoil."""
    return Path(shutil.copytree(SMALL, tmp_path / "law"))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, copy: Path) -> None:
    """A directory with this defect is not loaded, and the fault is named."""
    change, fault = REFUSED[name]
    change(copy)
    with pytest.raises(BundleRefused) as refusal:
        load(copy)
    assert any(fault in found for found in refusal.value.faults), refusal.value.faults
    # Each is known by its kind to whoever has to mend it.
    assert all(finding_of(found, {}).cure != UNKNOWN for found in refusal.value.faults)


@pytest.mark.parametrize(
    "key", ["title", "description", "rules", "citation", "verified", "public", "effective_on"]
)
def test_metadata_field_missing(key: str, copy: Path) -> None:
    """A provision without this field is refused: the agency would be denied and not told why."""
    text = (copy / STANDING).read_text()
    (copy / STANDING).write_text("".join(x for x in text.splitlines(True) if f" {key}:" not in x))
    with pytest.raises(BundleRefused, match=f"METADATA lacks {key}"):
        load(copy)


@pytest.mark.parametrize("key", ["message", "remedy", "review"])
def test_metadata_answer_missing(key: str, copy: Path) -> None:
    """The same for what the agency is told to do."""
    test_metadata_field_missing(key, copy)


def test_every_fault_at_once(copy: Path) -> None:
    """A refusal names all faults, so that legal mends a bundle in one round."""
    names = [
        "mistyped key",
        "data that breaks its schema",
        "main that forgets a provision",
        "chance",
        "editor's backup",
    ]
    for name in names:
        REFUSED[name][0](copy)
    with pytest.raises(BundleRefused) as refusal:
        load(copy)
    for name in names:
        assert any(REFUSED[name][1] in fault for fault in refusal.value.faults), name


def test_no_directory(tmp_path: Path) -> None:
    """A path that is not a directory is refused, not an empty law."""
    with pytest.raises(BundleRefused, match="not a directory"):
        load(tmp_path / "nothing")


def test_link_as_directory(tmp_path: Path) -> None:
    """A linked directory is refused: it could be pointed elsewhere between two loads."""
    (tmp_path / "link").symlink_to(SMALL)
    with pytest.raises(BundleRefused, match="not a directory"):
        load(tmp_path / "link")
