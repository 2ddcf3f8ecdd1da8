"""The request of add-checkpoint: one spelling, bounded, and nothing read between the lines."""

from __future__ import annotations

import pytest

from gatekeeper.witness.protocol import MOST_BYTES, MOST_STEPS, Submission, SubmissionRefused, parse
from tests.witness.made import b64

STEP = bytes(range(32))
CHECKPOINT = "gate.example.org\n9\nAAAA\n\n— gate.example.org AAAA\n"


@pytest.mark.parametrize("steps", [0, 1, MOST_STEPS])
def test_what_is_written_is_read(steps: int) -> None:
    """With no proof line up to the most that there may be."""
    submission = Submission(2**53 if steps else 0, (STEP,) * steps, CHECKPOINT)
    assert submission == parse(submission.encode())


def test_the_example_of_the_specification_is_read() -> None:
    """Its four proof lines, its sizes, and both signatures."""
    steps = [
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=",
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
    ]
    body = "old 20852014\n" + "".join(f"{step}\n" for step in steps) + "\n" + CHECKPOINT
    read = parse(body.encode())
    assert (20852014, steps, CHECKPOINT) == (read.old, list(map(b64, read.proof)), read.checkpoint)
    assert body.encode() == read.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 0\n",
        b"old 0\n\n",
        b"\n\n" + CHECKPOINT.encode(),
        b"old 0\r\n\r\n" + CHECKPOINT.encode(),
        b"old -1\n\nx",
        b"old +1\n\nx",
        b"old 01\n\nx",
        b"old 1.0\n\nx",
        b"old \xd9\xa1\n\nx",  # a digit, but not an ASCII one
        b"old  1\n\nx",
        b"old 1 \n\nx",
        b" old 1\n\nx",
        b"Old 1\n\nx",
        b"old 10000000000000000\n\nx",
        b"old 1\nAAAA\n\nx",
        b"old 1\n" + b64(STEP).encode() + b" \n\nx",
        b"old 1\n" + b64(STEP)[:-2].encode() + b"9=\n\nx",  # spare bits set: another spelling of a hash
        b"old 1\n" + b64(STEP + b"x").encode() + b"\n\nx",
        b"old 1\n" + b64(b"").encode() + b"=\n\nx",
        b"old 1\nold 1\n\nx",
        b"old 1\n" + (b64(STEP) + "\n").encode() * (MOST_STEPS + 1) + b"\nx",
        b"old 1\n\n\xff\xfe",
        b"\x00" * 100,
    ],
)
def test_a_request_of_another_shape_is_refused(body: bytes) -> None:
    """With 400, and never with a guess."""
    with pytest.raises(SubmissionRefused) as refused:
        parse(body)
    assert (400, None) == (refused.value.status, refused.value.size)


def test_a_request_that_is_too_long_is_not_read() -> None:
    """With 413; at the bound it is."""
    body = b"old 0\n\n" + b"x" * (MOST_BYTES - 7)
    assert MOST_BYTES - 7 == len(parse(body).checkpoint)
    with pytest.raises(SubmissionRefused) as refused:
        parse(body + b"x")
    assert 413 == refused.value.status


@pytest.mark.parametrize("submission", [Submission(-1, (), "x"), Submission(0, (STEP,) * 64, "x")])
def test_we_send_nothing_that_a_witness_must_refuse(submission: Submission) -> None:
    """A proof of 64 steps would be our defect."""
    with pytest.raises(ValueError, match="63"):
        submission.encode()
