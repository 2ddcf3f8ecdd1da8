"""The papers in the file for a court: there as they came, or named with the reason why they are not."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from gatekeeper.court import papers
from gatekeeper.court.file import court_file
from gatekeeper.errors import LedgerCorrupt
from gatekeeper.exchange.documents import Document, rows
from gatekeeper.store import tables
from tests.exchange.papers import pdf
from tests.export.made import KINDS, Staffed, Unpacked, court_of
from tests.purge.made import COUNSEL, GONE, HELD, UPHELD, Town

SHA256 = hashlib.sha256(pdf()).hexdigest()


def _file(town: Town, plate: str, *, private: bool = True) -> bytes:
    return court_file(
        court_of(town.state).gather(town.ids[plate], COUNSEL, "A made-up subpoena", private=private)
    )


def _of(town: Town, plate: str, place: Path, **options: Any) -> Unpacked:
    return Unpacked.of(_file(town, plate, **options), place / plate)


def _owner(town: Town, *statements: str) -> None:
    """Write as whoever owns the tables."""
    engine = create_engine(f"sqlite:///{town.state.settings.data / 'state.db'}")
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _add(town: Town, *documents: Document) -> None:
    """Keep papers of the held query that no entry names."""
    made = rows(town.state.keys, town.ids[HELD], "staff", datetime.now(UTC), documents)
    with town.state.database.write() as connection:
        connection.execute(insert(tables.documents), [dict(row.values) for row in made])


def test_a_paper_is_there_as_it_came_and_the_log_commits_to_it(town: Town, tmp_path: Path) -> None:
    """Also after its day was erased, if it is held; its hash is in the manifest and in a proved receipt."""
    town.hold()
    for place in (tmp_path / "before", tmp_path / "after"):
        place.mkdir()
        file = _of(town, HELD, place)
        assert ["papers/1.pdf"] == file.names("papers/*")
        assert pdf() == file.read("papers/1.pdf")
        assert SHA256 == file.json("manifest.json")["sha256"]["papers/1.pdf"]
        assert [] == file.damaged()
        [told] = file.json("papers.json")
        assert ("here", "papers/1.pdf", f"{HELD}.pdf") == (told["state"], told["file"], told["name"])
        assert (SHA256, len(pdf()), "application/pdf", "agency") == (
            told["sha256"], told["size"], told["media_type"], told["source"],
        )  # fmt: skip
        opened = file.json(f"receipts/{told['entry']}.json")["openings"]["documents"]["value"]
        assert [SHA256] == [one["sha256"] for one in opened]
        assert "WHICH PAPERS" not in file.read("README.txt").decode()
        town.erase()


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not on this machine")
def test_the_lines_for_a_shell_check_the_papers(town: Town, tmp_path: Path) -> None:
    """As the README has them; a paper that was touched is found, and the log's hash is shown."""
    file = _of(town, HELD, tmp_path)
    told = file.read("README.txt").decode()
    [check, show] = re.findall(r"^   (jq .*(?:papers\.json|openings).*)$", told, re.MULTILINE)
    subprocess.run(["sh", "-ec", check], cwd=file.directory, check=True, capture_output=True)
    shown = subprocess.run(
        ["sh", "-ec", show], cwd=file.directory, check=True, capture_output=True, text=True
    )
    assert SHA256 in shown.stdout.split()
    (file.directory / "papers/1.pdf").write_bytes(pdf() + b" ")
    assert ["papers/1.pdf"] == file.damaged()
    assert (
        0
        != subprocess.run(
            ["sh", "-ec", check], cwd=file.directory, check=False, capture_output=True
        ).returncode
    )


def test_erased_papers_are_named_as_erased(town: Town, tmp_path: Path) -> None:
    """By their hash while it is kept; afterwards it is said that nobody can say what there was."""
    town.state.keys.destroy(town.first)  # and the process was killed before it removed a row
    file = _of(town, UPHELD, tmp_path)
    [told] = file.json("papers.json")
    assert ("erased", None, None, SHA256) == (told["state"], told["file"], told["name"], told["sha256"])
    assert f"{SHA256}  erased at the end of its time" in file.read("README.txt").decode()
    town.erase()
    (tmp_path / "later").mkdir()
    later = _of(town, UPHELD, tmp_path / "later")
    assert [] == later.json("papers.json")
    assert "they were erased with it" in " ".join(later.read("README.txt").decode().split())
    for each in (file, later):
        assert [] == each.names("papers/*")
        assert [] == each.damaged()
    assert "they were erased with it" not in _of(town, GONE, tmp_path).read("README.txt").decode()


def test_a_paper_that_is_named_and_not_kept_is_told_of(town: Town, tmp_path: Path) -> None:
    """Somebody took it out of the database: the log still has its hash, type and size."""
    _owner(town, f"DELETE FROM documents WHERE query_id = '{town.ids[HELD]}'")  # noqa: S608  ours
    file = _of(town, HELD, tmp_path)
    [told] = file.json("papers.json")
    assert ("gone", SHA256, "application/pdf", len(pdf())) == (
        told["state"], told["sha256"], told["media_type"], told["size"],
    )  # fmt: skip
    assert isinstance(told["entry"], int)
    assert f"{SHA256}  named by the log, and not kept any more" in file.read("README.txt").decode()


@pytest.mark.parametrize(
    "change",
    [
        "sha256 = '" + "0" * 64 + "'",
        "size = size + 1",
        "size = -1",
        "box = name_box",
        "box = X''",
        "name_box = box",
        "id = 'document_" + "0" * 24 + "'",
    ],
)
def test_a_paper_that_was_altered_is_in_no_file(town: Town, change: str) -> None:
    """Whatever of its row was changed: what a stranger would refuse does not leave."""
    of = f"WHERE query_id = '{town.ids[HELD]}'"
    _owner(
        town,
        "DROP TRIGGER documents_no_update",
        f"UPDATE documents SET {change} {of}",  # noqa: S608  ours
    )
    with pytest.raises(LedgerCorrupt):
        _file(town, HELD)


def test_a_name_leads_nowhere(town: Town, tmp_path: Path) -> None:
    """What a paper is called is told, and no file is called so; nothing is outside the directory."""
    names = ("../../../etc/cron.d/x.pdf", "/etc/passwd", "C:\\x.pdf", "a\nb.pdf", "\u202efdp.exe", "")
    _add(town, *(Document(name, "application/pdf", pdf()) for name in names))
    file = _of(town, HELD, tmp_path)
    assert [f"papers/{n + 1}.pdf" for n in range(len(names) + 1)] == sorted(file.names("papers/*"))
    assert {*names, f"{HELD}.pdf"} == {one["name"] for one in file.json("papers.json")}
    with zipfile.ZipFile(io.BytesIO(_file(town, HELD))) as opened:
        assert all(re.fullmatch(r"[\w.+-]+(/[\w.+-]+)*", name) for name in opened.namelist())
    assert {HELD} == {path.name for path in tmp_path.iterdir()} - {"city"}
    # What no entry commits to is the city's word, unless it is byte for byte what an entry names.
    other = pdf() + b"%\n"
    _add(town, Document("other.pdf", "application/pdf", other), Document("odd.svg", "image/tiff", other))
    told = _of(town, HELD, tmp_path / "again").json("papers.json")[-2:]
    assert [(None, "staff", True), (None, "staff", True)] == [
        (one["entry"], one["source"], one["file"].endswith((".pdf", ".tif"))) for one in told
    ]


def test_no_more_than_so_much_is_in_one_file(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones that fit are there; each that is left out is named, with what to do."""
    larger = pdf() + b"%" * 100
    _add(town, Document("larger.pdf", "application/pdf", larger), Document("x.pdf", "application/pdf", pdf()))
    monkeypatch.setattr(papers, "MOST_BYTES", 2 * len(pdf()))
    file = _of(town, HELD, tmp_path)
    told = {one["name"] or one["sha256"]: one["state"] for one in file.json("papers.json")}
    left_out = hashlib.sha256(larger).hexdigest()
    assert {f"{HELD}.pdf": "here", left_out: "left out", "x.pdf": "here"} == told
    assert f"{left_out}  kept, and too large" in file.read("README.txt").decode()
    assert [] == file.damaged()


def test_without_the_private_side_no_paper_is_in_it(town: Town, tmp_path: Path) -> None:
    """Neither a paper nor what it is called; the README says that there are none."""
    file = _of(town, HELD, tmp_path, private=False)
    assert [] == file.names("papers*")
    told = file.read("README.txt").decode()
    assert "are not in this file" in told
    assert SHA256 not in told
    assert not any(f"{HELD}.pdf".encode() in file.read(name) for name in file.names())


def test_the_log_has_that_papers_were_taken_along(office: Staffed, tmp_path: Path) -> None:
    """Under a commitment, with the other parts; a query without papers says so by an empty list."""
    answer = office.export(office.ids[KINDS[0]], tmp_path / "court.zip")
    assert 0 == answer.exit_code, answer.output
    assert "papers" in office.last_export()["subject"]["parts"]
    file = Unpacked.of((tmp_path / "court.zip").read_bytes(), tmp_path / "out")
    assert [] == file.json("papers.json")
    assert "6. The papers" not in file.read("README.txt").decode()
