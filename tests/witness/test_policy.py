"""The file of witnesses: each line is understood or refused by its number, and nobody counts twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.cosignatures import Cosigner, CosignerKey, cosignatures, merge
from gatekeeper.witness.policy import MOST, MOST_BYTES, Policy, load, parse
from tests.witness.made import History, cosigner, log_key

ONE, TWO, THREE, FOUR = (cosigner(f"{name}.example") for name in ("one", "two", "three", "four"))
LINES = {
    f"@{name}": f"witness {name} {key.verifier} https://{name}.example/w"
    for name, key in {"one": ONE, "two": TWO, "three": THREE, "four": FOUR}.items()
}


def written(text: str) -> bytes:
    """Return a file, each ``@name`` replaced by the line of that witness."""
    for short, line in LINES.items():
        text = text.replace(short, line)
    return text.encode()


def test_the_form_of_the_specification_is_read() -> None:
    """Comments, tabs, empty lines, groups of groups; the names mean nothing outside of the file."""
    policy = parse(
        written(
            "# whom we ask\n\n@one\n\t @two \t\n@three\n  # more: ünïcode\n@four\n"
            "group some 2 one two three\ngroup ours\tany some four\nquorum ours\n"
        )
    )
    assert ["one", "two", "three", "four"] == [w.name for w in policy.witnesses]
    assert ["https://one.example/w", ONE.verifier] == [policy.witnesses[0].url, policy.witnesses[0].key]
    assert policy.quorum is not None
    for keys, met in (((ONE, TWO), True), ((FOUR,), True), ((ONE,), False), ((), False)):
        assert met == policy.quorum.met_by([by.verifier for by in keys])


@pytest.mark.parametrize(
    ("quorum", "enough", "short"),
    [
        ("quorum one", (ONE,), (TWO, THREE)),
        ("group g any one two\nquorum g", (TWO,), (THREE,)),
        ("group g all one two\nquorum g", (ONE, TWO), (ONE, THREE)),
        ("group g 2 one two three\nquorum g", (ONE, THREE), (THREE,)),
        ("group g 1 one\ngroup h all g two\nquorum h", (ONE, TWO), (ONE,)),
    ],
)
def test_the_quorum_is_what_the_file_says(
    quorum: str, enough: tuple[Cosigner, ...], short: tuple[Cosigner, ...]
) -> None:
    """Counted on the text of a checkpoint, as whoever finds it would."""
    policy = parse(written(f"@one\n@two\n@three\n{quorum}\n"))
    history = History(log_key())
    assert policy.met_by(cosigned(history, enough), history.key.verifier)
    assert not policy.met_by(cosigned(history, short), history.key.verifier)
    assert not policy.met_by(history.checkpoint(3), history.key.verifier)
    assert {by.verifier.name.partition(".")[0] for by in enough} == set(
        policy.cosigned(cosigned(history, enough))
    )
    with pytest.raises(CheckpointRefused):
        policy.met_by(cosigned(history, enough), log_key().verifier)


def cosigned(history: History, keys: tuple[Cosigner, ...]) -> str:
    """Return a checkpoint with cosignatures."""
    text = history.checkpoint(3)
    lines = "".join(by.cosign(text, 9) for by in keys)
    return merge(text, cosignatures(text, [by.verifier for by in keys], lines))


def test_no_quorum_is_said_in_words_and_is_never_met() -> None:
    """That nobody is missing is not that somebody vouches."""
    policy = parse(written("@one\nquorum none\n"))
    assert policy.quorum is None
    history = History(log_key())
    with pytest.raises(SettingsRefused, match="quorum none"):
        policy.met_by(cosigned(history, (ONE,)), history.key.verifier)


ALIAS = CosignerKey("alias.example", ONE.verifier.public)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("log {log}\n@one\nquorum one", 1, "leave it out"),
        ("hello", 1, "not understood"),
        ("@one\nquorum", 2, "not understood"),
        ("@one\nquorum one two", 2, "not understood"),
        ("@one\nQuorum one", 2, "not understood"),
        ("@one more\nquorum one", 1, "not understood"),
        ("group g", 1, "not understood"),
        ("@one\nquorum one # why", 2, "not understood"),
        ("witness one {one}\nquorum one", 1, "no address"),
        ("witness one {one} http://one.example", 1, "https"),
        ("witness one {one} ftp://one.example", 1, "address"),
        ("witness one {one} one.example", 1, "address"),
        ("witness one {one} https://", 1, "address"),
        ("witness one {one} https://user@host.example", 1, "address"),
        ("witness one {one} https://one.example/?a", 1, "address"),
        ("witness one {one} https://one.example/#a", 1, "address"),
        ("witness one {one} https://one.example:99999", 1, "address"),
        ("witness one {one} https://[::1", 1, "address"),
        ("witness one {one} https://öne.example", 1, "address"),
        ("witness one {log} https://one.example", 1, "vkey of a log"),
        ("witness one garbage https://one.example", 1, "vkey"),
        ("witness none {one} https://one.example", 1, "not a name"),
        ("witness a\u202eb {one} https://one.example", 1, "not a name"),
        ("@one\nwitness one {two} https://two.example\n", 2, "taken"),
        ("@one\nwitness two {one} https://two.example\n", 2, "same key"),
        ("@one\nwitness two {alias} https://two.example\n", 2, "same key"),
        ("@one\ngroup one any one\n", 2, "taken"),
        ("@one\ngroup none any one\n", 2, "not a name"),
        ("@one\ngroup g any one\ngroup g any one\n", 3, "taken"),
        ("@one\ngroup g any\n", 2, "at least one"),
        ("@one\ngroup g some one\n", 2, "how many"),
        ("@one\ngroup g 0 one\n", 2, "how many"),
        ("@one\ngroup g 01 one\n", 2, "how many"),
        ("@one\ngroup g -1 one\n", 2, "how many"),
        ("@one\ngroup g \u0661 one\n", 2, "how many"),
        ("@one\ngroup g 99999 one\n", 2, "how many"),
        ("@one\ngroup g 2 one\n", 2, "1 to 1"),
        ("@one\ngroup g any two\n@two\n", 2, "no line above"),
        ("@one\ngroup g any g\n", 2, "no line above"),
        ("@one\ngroup g any none\n", 2, "no line above"),
        ("@one\ngroup g 2 one one\n", 2, "already"),
        ("@one\n@two\ngroup g any one\ngroup h all one two\n", 4, "already"),
        ("@one\nquorum two\n@two", 2, "no line above"),
        ("@one\nquorum one\nquorum one", 3, "already"),
        ("@one\nquorum none\nquorum one", 3, "already"),
        ("@one\r\nquorum one\r\n", 1, "control"),
        ("@one\n\x0bquorum one\n", 2, "control"),
        ("# \x00\n@one\nquorum one", 1, "control"),
        ("# \x7f\n@one\nquorum one", 1, "control"),
        ("@one\u00a0\nquorum one", 1, "address"),
        ("\ufeff@one\nquorum one", 1, "not understood"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_line(text: str, line: int, why: str) -> None:
    """A line that was skipped would be a witness that somebody believes in."""
    filled = written(text).decode()
    names = {"one": ONE.verifier, "two": TWO.verifier, "alias": ALIAS, "log": log_key().vkey}
    for name, key in names.items():
        filled = filled.replace(f"{{{name}}}", str(key))
    with pytest.raises(SettingsRefused, match=why) as refused:
        parse(filled.encode(), "w.policy")
    assert str(refused.value).startswith(f"w.policy, line {line}: ")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "names no witness"),
        (b"# nothing\n", "names no witness"),
        (b"quorum none\n", "names no witness"),
        (written("@one\n"), "no quorum"),
        (b"#" * (MOST_BYTES + 1), "too long"),
        (b"# caf\xe9\n", "line 1: it is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "line 1"),
    ],
)
def test_a_file_that_says_nothing_is_refused(content: bytes, why: str) -> None:
    """No witness and no quorum are said in so many words or not at all."""
    with pytest.raises(SettingsRefused, match=why):
        parse(content)


def test_there_is_a_bound_to_witnesses_and_groups() -> None:
    """At the bound it is read, past it refused."""
    keys = [cosigner(f"{i}.example").verifier for i in range(MOST + 1)]
    lines = [f"witness w{i} {key} https://{i}.example" for i, key in enumerate(keys)]
    groups = [f"group g{i} any w{i}" for i in range(MOST)]
    bound = "\n".join([*lines[:MOST], *groups, "quorum g0"])
    assert MOST == len(parse(bound.encode()).witnesses)
    with pytest.raises(SettingsRefused, match=f"line {MOST + 1}: at most"):
        parse("\n".join(lines).encode())
    with pytest.raises(SettingsRefused, match="at most 32 groups"):
        parse(bound.replace("quorum g0", "group more any g0").encode())


def test_the_file_is_named_where_it_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or a directory."""
    file = tmp_path / "witnesses"
    file.write_bytes(written("@one\nquorum one\n"))
    assert isinstance(load(file), Policy)
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(SettingsRefused, match="GATEKEEPER_WITNESSES"):
            load(place)
