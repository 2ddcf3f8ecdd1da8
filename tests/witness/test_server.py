"""The HTTP side of a witness, over a real socket: the statuses and types of C2SP tlog-witness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from gatekeeper.ledger.cosignatures import cosignatures
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import MOST_BYTES, SIZE_TYPE
from tests.witness.made import ORIGIN, History, log_key, new_keeper, served

HISTORY = History(log_key())


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    """Return a witness of the log."""
    return new_keeper(tmp_path / "w", HISTORY.key)


@pytest.fixture
def url(keeper: Keeper) -> Iterator[str]:
    """Serve it."""
    with served(keeper) as witness:
        yield witness.url


def posted(url: str, body: bytes | Iterator[bytes]) -> requests.Response:
    """Submit."""
    return requests.post(f"{url}/add-checkpoint", data=body, timeout=10)


def test_a_checkpoint_is_cosigned(keeper: Keeper, url: str) -> None:
    """200 and one signature line; the next one starts from there."""
    for old, new in ((0, 3), (3, 8)):
        answer = posted(url, HISTORY.submission(old, new))
        assert (200, "text/plain; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
        assert "no-store" == answer.headers["Cache-Control"]
        assert 1 == answer.content.decode().count("\n")
        assert cosignatures(HISTORY.checkpoint(new), [keeper.key], answer.content.decode())


def test_each_refusal_has_its_status(keeper: Keeper, url: str) -> None:
    """As the protocol lists them; a conflict tells the size, in the media type for it."""
    posted(url, HISTORY.submission(0, 5))
    fork = History(HISTORY.key, 2)
    for body, status, said in (
        (b"", 400, "old"),
        (b"hello", 400, "old"),
        (HISTORY.submission(5, 3), 400, "larger"),
        (History(log_key()).submission(5, 6), 403, "not signed"),
        (History(log_key("else.example.org")).submission(0, 6), 404, "does not watch"),
        (fork.submission(5, 5), 409, "fork"),
        (fork.submission(5, 9), 422, "does not lead"),
        (b"x" * (MOST_BYTES + 1), 413, ""),
    ):
        answer = posted(url, body)
        assert (status, True) == (answer.status_code, said in answer.text), answer.text
        assert answer.headers["Content-Type"].startswith("text/plain")
    for old, new in ((0, 7), (7, 7), (3, 5)):
        answer = posted(url, HISTORY.submission(old, new))
        assert (409, "5\n", SIZE_TYPE) == (answer.status_code, answer.text, answer.headers["Content-Type"])
    assert 5 == keeper.logs()[0].last.size


def test_a_body_without_a_length_is_bounded_too(url: str) -> None:
    """Sent in pieces: read to the bound and no further."""
    answer = posted(url, iter([HISTORY.submission(0, 2)]))
    assert answer.status_code in {
        200,
        400,
    }  # this small server of the tests may not read pieces; gunicorn does
    answer = posted(url, iter([b"x" * 1000] * 100))
    assert answer.status_code in {400, 413}


def test_nothing_that_was_sent_is_repeated(url: str) -> None:
    """Neither path nor body; every answer is plain text."""
    for answer in (
        posted(url, b"old DEMO123\n\nDEMO123"),
        requests.get(f"{url}/DEMO123?DEMO123=1", timeout=10),
        requests.get(f"{url}/add-checkpoint", timeout=10),
        requests.delete(f"{url}/", data=b"DEMO123", timeout=10),
    ):
        assert 400 <= answer.status_code < 500
        assert "DEMO123" not in answer.text
        assert "text/plain; charset=utf-8" == answer.headers["Content-Type"]
    assert "POST" == requests.get(f"{url}/add-checkpoint", timeout=10).headers["Allow"]


def test_its_page_says_what_it_watches(keeper: Keeper, url: str) -> None:
    """Key, logs, sizes, how to check; and a fork, once there was one."""
    posted(url, HISTORY.submission(0, 5))
    page = requests.get(url, timeout=10)
    assert "text/plain; charset=utf-8" == page.headers["Content-Type"]
    for said in (
        str(keeper.key),
        ORIGIN,
        HISTORY.key.vkey,
        "size 5",
        HISTORY.root(5).hex(),
        "tlog-cosignature",
    ):
        assert said in page.text
    assert "FORKED" not in page.text
    posted(url, History(HISTORY.key, 2).submission(5, 5))
    assert "FORKED" in requests.get(url, timeout=10).text


def test_a_witness_that_lost_what_it_saw_says_that_it_is_not_well(
    tmp_path: Path, keeper: Keeper, url: str
) -> None:
    """503 on every address, without where its files are; then healthy again."""
    assert "ok\n" == requests.get(f"{url}/healthz", timeout=10).text
    (last,) = (tmp_path / "w" / "logs").glob("*/last")
    text = last.read_bytes()
    last.write_bytes(b"")
    for answer in (
        requests.get(f"{url}/healthz", timeout=10),
        requests.get(url, timeout=10),
        posted(url, HISTORY.submission(0, 2)),
    ):
        assert 503 == answer.status_code
        assert "nothing was cosigned" in answer.text
        assert str(tmp_path) not in answer.text
    last.write_bytes(text)
    assert 200 == requests.get(f"{url}/healthz", timeout=10).status_code
    assert HISTORY.key.origin == keeper.logs()[0].origin
