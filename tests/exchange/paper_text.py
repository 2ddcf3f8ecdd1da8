"""The words of a PDF, read as any program reads them: each font's glyphs by its own table (ToUnicode)."""

from __future__ import annotations

import re
import zlib

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


def words(content: bytes) -> str:
    """Return the text of a PDF that ``fpdf2`` made, without the lines' ends."""
    streams = []
    for found in _STREAM.finditer(content):
        try:
            streams.append(zlib.decompress(found[1]))
        except zlib.error:
            streams.append(found[1])
    tables = [
        {
            int(glyph, 16): bytes.fromhex(letter.decode()).decode("utf-16-be")
            for glyph, letter in re.findall(rb"^<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>$", stream, re.MULTILINE)
        }
        for stream in streams
        if b"beginbfchar" in stream
    ]
    said, table = "", tables[0]
    for stream in streams:
        if b" Tf" not in stream:
            continue
        for font, shown in _SHOWN.findall(stream):
            if font:
                table = tables[int(font[1:]) - 1]
                continue
            glyphs = _unescaped(shown)
            said += "".join(table[int.from_bytes(glyphs[i : i + 2], "big")] for i in range(0, len(glyphs), 2))
            said += " "
    return said
