"""Cosignatures: what a witness signed over exactly this checkpoint counts, and nothing else."""

from __future__ import annotations

import base64

import pytest

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger import SigningKey, open_checkpoint
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.cosignatures import Cosignature, CosignerKey, Quorum, body_of, cosignatures, merge
from tests.witness.made import ORIGIN, History, b64, cosigner, log_key

# The checkpoint in the example of C2SP tlog-cosignature; its keys are not published.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGz"
    "Gku9nTo+zyWE+xeMcTOAYQ8=\n"
)
AT = 1_679_315_147


@pytest.fixture
def history() -> History:
    """Return a made-up log."""
    return History(log_key())


def test_a_vkey_is_read_as_it_is_written() -> None:
    """Name, id and key; the type of a witness's key is 0x04."""
    key = cosigner().verifier
    assert key == CosignerKey.parse(f" {key}\n")
    name, number, encoded = str(key).split("+", 2)
    assert (key.name, key.id.hex()) == (name, number)
    assert b"\x04" + key.public == base64.b64decode(encoded)


@pytest.mark.parametrize(
    ("vkey", "why"),
    [
        ("", "copy all"),
        ("w.example", "copy all"),
        ("{name}+{id}", "copy all"),
        ("{name}+{id}+AAAA", "copy all"),
        ("{name}+{id}+Ä", "copy all"),
        ("{name}+{id}+?", "copy all"),
        ("+{id}+{key}", "copy all"),
        ("two words+{id}+{key}", "copy all"),
        ("ümlaut+{id}+{key}", "copy all"),
        ("{name}+{id}+{key}=", "does not fit"),
        ("other+{id}+{key}", "id does not fit"),
        ("{name}+00000000+{key}", "id does not fit"),
        ("{name}+{ID}+{key}", "id does not fit"),
        ("{log}", "vkey of a log"),
    ],
)
def test_a_vkey_that_is_none_is_refused(vkey: str, why: str) -> None:
    """Cut off, another's id, or a log's: each is said."""
    name, number, key = str(cosigner().verifier).split("+", 2)
    log = log_key().vkey
    with pytest.raises(SettingsRefused, match=why):
        CosignerKey.parse(vkey.format(name=name, id=number, ID=number.upper() + "A", key=key, log=log))


def test_a_cosignature_holds_for_its_checkpoint_and_time(history: History) -> None:
    """Signed, merged, found again; the log's own signature still holds."""
    by = cosigner()
    text = history.checkpoint(5)
    (held,) = cosignatures(text, [by.verifier], by.cosign(text, AT))
    assert (by.verifier, AT) == (held.key, held.at)
    merged = merge(text, [held])
    assert (held,) == cosignatures(merged, [by.verifier])
    assert 5 == open_checkpoint(merged, history.key.verifier).size
    assert text == merged[: len(text)]


def test_the_signed_message_and_the_line_are_as_the_specification_says(history: History) -> None:
    """Id of four bytes, time of eight, signature of 64, over two lines and the body."""
    by = cosigner()
    line = by.cosign(history.checkpoint(5), AT)
    assert line.startswith(f"— {by.verifier.name} ")
    assert line.endswith("\n")
    blob = base64.b64decode(line.split(" ")[2])
    assert (76, by.verifier.id, AT) == (len(blob), blob[:4], int.from_bytes(blob[4:12], "big"))
    message = f"cosignature/v1\ntime {AT}\n{ORIGIN}\n5\n{b64(history.root(5))}\n"
    by._key.public_key().verify(blob[12:], message.encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace("— ", "- "),
        lambda line: line.replace("— ", "—  "),
        lambda line: line.replace("witness.", "whistle."),
        lambda line: line[:-6] + "\n",
        lambda line: line.replace(" ", " AAAA", 2),
        lambda line: _with(line, lambda blob: blob[:11] + bytes([blob[11] ^ 1]) + blob[12:]),
        lambda line: _with(line, lambda blob: blob[:-1] + bytes([blob[-1] ^ 1])),
        lambda line: _with(line, lambda blob: bytes(4) + blob[4:]),
        lambda line: _with(line, lambda blob: blob[:4] + b"\xff" + blob[5:]),
        lambda line: _with(line, lambda blob: blob[:4] + blob[12:]),
        lambda line: _with(line, lambda blob: blob + b"\x00"),
        lambda line: _with(line, lambda _: b""),
        lambda _: "",
    ],
)
def test_a_cosignature_that_was_touched_counts_for_nothing(history: History, change: object) -> None:
    """Any byte of it."""
    assert callable(change)
    by = cosigner()
    text = history.checkpoint(5)
    assert () == cosignatures(text, [by.verifier], change(by.cosign(text, AT)))


def _with(line: str, change: object) -> str:
    assert callable(change)
    dash, name, encoded = line.rstrip("\n").split(" ")
    return f"{dash} {name} {b64(change(base64.b64decode(encoded)))}\n"


def test_what_was_signed_for_another_text_does_not_count(history: History) -> None:
    """Another size, another root, another log, or no cosignature but a plain signature by the same key."""
    by = cosigner()
    text = history.checkpoint(5)
    others = [
        History(log_key("else.example.org")).checkpoint(5),
        History(history.key, forked_at=1).checkpoint(5),
        history.checkpoint(6),
    ]
    for other in others:
        assert () == cosignatures(text, [by.verifier], by.cosign(other, AT))
        with pytest.raises(CheckpointRefused, match="another text"):
            merge(text, [Cosignature(by.verifier, AT, by.cosign(other, AT).rstrip())])
    as_log = SigningKey(by.verifier.name, by._key).sign(5, history.root(5)).split("\n\n")[1]
    assert () == cosignatures(text, [by.verifier], as_log)


def test_of_one_witness_the_latest_stays_and_others_are_left_alone(history: History) -> None:
    """Merged twice, in either order, the note has one line of each witness."""
    one, two, stranger = cosigner(), cosigner("two.example"), cosigner("stranger.example")
    text = history.checkpoint(5) + stranger.cosign(history.checkpoint(5), 7)
    (old,) = cosignatures(text, [one.verifier], one.cosign(text, AT))
    (new,) = cosignatures(text, [one.verifier], one.cosign(text, AT + 9))
    (other,) = cosignatures(text, [two.verifier], two.cosign(text, AT))
    for merged in (
        merge(merge(text, [old]), [new, other]),
        merge(merge(text, [new, other]), [old]),
        merge(text, [old, new, other, old, other]),
        merge(merge(merge(text, [other]), [new]), [new]),
    ):
        assert {new, other} == set(cosignatures(merged, [one.verifier, two.verifier]))
        assert 4 == merged.count("\n— ")
        assert stranger.cosign(text, 7) in merged
    both = text + one.cosign(text, AT + 9) + one.cosign(text, AT)
    assert (new,) == cosignatures(both, [one.verifier])
    assert 3 == merge(both, [old]).count("\n— ")


def test_a_text_without_a_body_is_no_checkpoint() -> None:
    """There is nothing that could be signed."""
    assert EXAMPLE.partition("\n\n")[0] + "\n" == body_of(EXAMPLE)
    for text in ("", "\n\n", "one line\n", "\n\nrest"):
        with pytest.raises(CheckpointRefused, match="shape"):
            cosigner().cosign(text, AT)
    for at in (-1, 1 << 63):
        with pytest.raises(ValueError, match="time"):
            cosigner().cosign(EXAMPLE, at)


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "line\nline", "ümlaut", "x" * 201])
def test_a_witness_has_a_name_that_fits_into_a_line(name: str) -> None:
    """Else its line could not be read, or would be read as two."""
    with pytest.raises(SettingsRefused, match="name"):
        cosigner(name)


def test_a_quorum_counts_each_witness_once() -> None:
    """Any, all, some, and groups of groups."""
    a, b, c, d = (cosigner(f"{name}.example").verifier for name in "abcd")
    nested = Quorum(2, (Quorum(1, (a, b)), Quorum(2, (c, d))))
    for keys, met in (((a, c, d), True), ((a, b), False), ((c, d), False), ((a, c), False), ((), False)):
        assert met == nested.met_by(keys)
    assert {a, b, c, d} == set(nested.keys())
    assert Quorum(1, (a, b)).met_by({b})
    assert not Quorum(2, (a, b)).met_by({b, c, d})
    with pytest.raises(SettingsRefused, match="twice"):
        Quorum(2, (a, CosignerKey("alias.example", a.public)))


@pytest.mark.parametrize(("least", "count"), [(1, 0), (0, 0), (0, 1), (2, 1), (-1, 1)])
def test_a_quorum_of_nobody_or_of_more_than_there_are_is_an_error(least: int, count: int) -> None:
    """One would be met by everything, the other by nothing."""
    with pytest.raises(SettingsRefused):
        Quorum(least, tuple(cosigner(f"{i}.example").verifier for i in range(count)))
