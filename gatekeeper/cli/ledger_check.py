"""``gatekeeper ledger check``: what a receipt proves, with nothing but the log's key.

Guarantees: no city, no directory of ours, no network: it reads the files that are named and nothing else; a
receipt is said to be proved only if every step of ``ledger.proved`` holds; what the openings say is shown
only once they are proved; text from a receipt moves no cursor and ends no line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from gatekeeper.cli.ledger_words import printable, shown
from gatekeeper.cli.opened import json_option
from gatekeeper.cli.system import output_or
from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger import Json, VerifierKey
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.proved import Proved, compared, prove_answer, prove_text, receipt_in, records_proved
from gatekeeper.ledger.receipts import ReceiptRefused, Step

_LARGEST: Final = 32 * 1024 * 1024
_LARGEST_KEY_FILE: Final = 64 * 1024
_NOT_HELD: Final[Mapping[Step, str]] = {
    "shape": "The receipt is not whole, so nothing is proved",
    "origin": "The receipt is of another log",
    "key": "The log whose key you gave did not sign this",
    "path": "The entry is not in the log at the place that the receipt names",
    "fields": "The receipt contradicts itself",
    "openings": "What the receipt opens was not logged so",
    "entry": "The log holds at that place what it must not hold",
    "answer": "The answer around the receipt is not what was logged",
    "fork": "The log has two histories; keep both checkpoints and show them",
}


class Uncheckable(Exception):
    """Something cannot be checked at all; the message says what, and what to give instead."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was read: a document that holds a receipt, or a bare tlog-proof with its entry."""

    document: Mapping[str, Json]
    text: str = ""
    entry: bytes | None = None

    def prove(self, keys: Sequence[VerifierKey]) -> Proved:
        """Check it; raises ReceiptRefused."""
        if self.entry is not None:
            return prove_text(self.text, self.entry, keys)
        return prove_answer(self.document, keys)


@click.command()
@click.argument("receipt", metavar="RECEIPT", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--key",
    "given_keys",
    metavar="VKEY",
    multiple=True,
    required=True,
    help="The log's verifier key, or a file that holds it; repeated where the log changed its key.",
)
@click.option(
    "--entry",
    type=click.Path(path_type=Path, allow_dash=True),
    help="The entry's exact text, for a bare tlog-proof.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A checkpoint that you kept; may be repeated. Another root of the same size is a fork.",
)
@json_option
def check(
    receipt: Path, given_keys: tuple[str, ...], entry: Path | None, kept: tuple[Path, ...], *, as_json: bool
) -> None:
    """Say what RECEIPT proves. Needs nothing but the log's key: no city, no network.

    RECEIPT is a receipt as JSON, a whole answer or problem document that holds one, or a tlog-proof (then
    --entry names the file with its entry); "-" is standard input.

    Exit status: 0 it is proved; 1 it does not hold, and which step does not (shape, origin, key, path,
    fields, openings, entry, answer, fork); 2 it cannot be checked (a missing file, no receipt, a bad key).
    """
    try:
        keys = [key for each in given_keys for key in _keys(each)]
        given = _given(receipt, entry)
        notes = [(file, _text(file)) for file in kept]
        proved = given.prove(keys)
        _refuse_forks(proved, notes, keys)
        sizes = [(str(file), _compared(proved, file, note, keys)) for file, note in notes]
    except ReceiptRefused as refused:
        _not_proved(refused, as_json=as_json)
    except Uncheckable as fault:
        if as_json:
            click.echo(json.dumps({"proved": None, "message": str(fault)}))
        click.echo(f"it cannot be checked: {fault}", err=True)
        sys.exit(2)
    with output_or(2):
        lines = [json.dumps(_document(given, proved, sizes))] if as_json else _said(given, proved, sizes)
        for line in lines:
            click.echo(line)


# --- What is read. ----------------------------------------------------------------------------------------


def _keys(given: str) -> list[VerifierKey]:
    """Return the key that was given, or those of a file, one a line. Raises Uncheckable."""
    try:
        return [VerifierKey.parse(given)]
    except SettingsRefused as refused:
        lines = _lines_of(given)
        if lines is None:
            raise Uncheckable(f"--key: {refused}, or the name of a file that holds it") from None
    try:
        return [VerifierKey.parse(line) for line in lines]
    except SettingsRefused as refused:
        raise Uncheckable(f"--key {printable(given)}: {refused}") from None


def _lines_of(name: str) -> list[str] | None:
    """Return the lines of a file of keys that are not empty; None if there is no such file, or none."""
    try:
        with Path(name).open("rb") as file:
            text = file.read(_LARGEST_KEY_FILE).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return None
    return [line for line in text.splitlines() if line.strip()] or None


def _given(receipt: Path, entry: Path | None) -> Given:
    if entry is not None and str(entry) == str(receipt) == "-":
        raise Uncheckable("standard input is one file: name the other")
    text = _text(receipt)
    if not text.lstrip().startswith(("{", "[")):
        if not text.startswith("c2sp.org/tlog-proof@"):
            raise Uncheckable(f"{printable(str(receipt))} is neither JSON nor a tlog-proof")
        if "\r\n" in text:
            raise Uncheckable("its lines end in CR LF, but the log signed LF: save it as it was sent")
        if entry is None:
            raise Uncheckable("a tlog-proof does not hold its entry: name the file with --entry")
        # A canonical entry ends in a brace: the one line end after it is an editor's.
        return Given({}, text, _read(entry).removesuffix(b"\n").removesuffix(b"\r"))
    if entry is not None:
        raise Uncheckable("this receipt holds its entry itself: leave --entry out")
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Uncheckable(f"{printable(str(receipt))} is not a JSON object: give the answer as you got it")
    if receipt_in(document) is None:
        raise Uncheckable("it holds no receipt: an answer has one as `receipt`, a receipt has `tlog_proof`")
    return Given(document)


def _each_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Return an object; one that says a name twice says one thing here and another to the next reader."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Uncheckable("it says one name twice, so two readers could read it differently")
    return document


def _text(file: Path) -> str:
    try:
        return _read(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Uncheckable(f"{printable(str(file))} is not text in UTF-8") from None


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no name of a file"
        raise Uncheckable(f"{printable(str(file))} cannot be read: {why}") from None
    if len(content) > _LARGEST:
        raise Uncheckable(f"{printable(str(file))} is over 32 MiB: no receipt is")
    return content


# --- Kept checkpoints. ------------------------------------------------------------------------------------


def _refuse_forks(proved: Proved, notes: Sequence[tuple[Path, str]], keys: Sequence[VerifierKey]) -> None:
    """Raise ReceiptRefused for a fork, whatever ails the other files."""
    for file, note in notes:
        with suppress(Uncheckable):
            _compared(proved, file, note, keys)


def _compared(proved: Proved, file: Path, note: str, keys: Sequence[VerifierKey]) -> int:
    try:
        return compared(proved, note, keys)
    except CheckpointRefused as refused:
        raise Uncheckable(f"--checkpoint {printable(str(file))}: {refused}") from None


# --- What is said. ----------------------------------------------------------------------------------------


def _not_proved(refused: ReceiptRefused, *, as_json: bool) -> NoReturn:
    said = f"{_NOT_HELD[refused.step]}: {refused}."
    if as_json:
        click.echo(json.dumps({"proved": False, "step": refused.step, "message": said}))
    else:
        click.echo(f"not proved ({refused.step}). {printable(said)}")
    sys.exit(1)


def _document(given: Given, proved: Proved, sizes: Sequence[tuple[str, int]]) -> dict[str, Any]:
    size = proved.checkpoint.size
    return {
        "proved": True,
        "log": proved.checkpoint.origin,
        "key": str(proved.key),
        "index": proved.index,
        "size": size,
        "root": proved.checkpoint.root.hex(),
        "entry": proved.entry,
        "opened": proved.opened,
        "not_opened": [*proved.unopened],
        "records_proved": records_proved(given.document, proved),
        "also_signed_by": [*proved.also_signed_by],
        "kept": [{"file": file, "size": kept, "same": kept == size} for file, kept in sizes],
    }


def _said(given: Given, proved: Proved, sizes: Sequence[tuple[str, int]]) -> list[str]:
    """Return what is proved, a line each, in words."""
    size, entry = proved.checkpoint.size, proved.entry
    lines = [
        f"proved: entry {proved.index} is in the log {printable(proved.checkpoint.origin)}",
        f"  entries            {size}, by the checkpoint that the log signed",
        f"  event              {entry['event']}",
        f"  hour               {entry['hour']} (UTC)",
        f"  about              {entry['ref']}",
    ]
    clear = (name for name in entry if name not in {"v", "event", "hour", "ref", "commitments"})
    lines += [f"  {printable(name):<18} {shown(entry[name])}" for name in sorted(clear)]
    lines += [f"  opened             {name}: {shown(value)}" for name, value in sorted(proved.opened.items())]
    if proved.unopened:
        lines.append(f"  not opened         {', '.join(map(printable, proved.unopened))}")
    match records_proved(given.document, proved):
        case True:
            lines.append("  records            those beside the receipt are the ones that were released")
        case False:
            lines.append("  records            NOT proved: the receipt does not open `rows`")
    if isinstance(given.document.get("appeal_receipt"), dict):
        lines.append(
            "  note               `appeal_receipt` was not looked at: save it as a file and check that too"
        )
    lines += [f"  also signed by {printable(name)}, not checked" for name in proved.also_signed_by]
    for file, kept in sizes:
        told = "the same root" if kept == size else f"of size {kept}, cannot be compared without the log"
        lines.append(f"  kept               {printable(file)}: {told}")
    return lines
