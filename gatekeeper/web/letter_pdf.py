"""The denial letter on paper: a PDF whose text can be searched, copied and read aloud.

Guarantees: the fonts are embedded, so that it looks the same everywhere; title and language are said, and its
headings are its outline; equal letters are equal bytes (its date is the decision's, not the printing's).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.prefs import ViewerPreferences

_FONTS: Final = Path(__file__).parent / "fonts"
_MARGIN_MM: Final = 25.0


class Said(Protocol):
    """One paragraph or heading of a letter."""

    @property
    def kind(self) -> str:
        """title, heading, provision, text or item."""

    @property
    def text(self) -> str:
        """What it says."""


class _Sheet(FPDF):
    def footer(self) -> None:
        """Number each page."""
        self.set_y(-15)
        self.set_font("letter", size=9)
        self.cell(0, 10, str(self.page_no()), align="C")


# Of each kind: weight, size in points, millimetres above it and between its lines.
_SET: Final = {
    "title": ("B", 18, 0, 8.5),
    "heading": ("B", 13, 7, 6.5),
    "provision": ("B", 10.5, 4, 5.2),
    "text": ("", 10, 1.2, 5),
    "item": ("", 10, 1.2, 5),
}


def pdf(said: Sequence[Said], language: str, at: datetime) -> bytes:
    """Return the letter's bytes; *at* is the moment that it bears."""
    sheet = _Sheet(format="letter")
    sheet.set_creation_date(at)
    sheet.set_lang(language)
    sheet.set_title(said[0].text)
    sheet.set_creator("gatekeeper")
    sheet.viewer_preferences = ViewerPreferences(display_doc_title=True)
    sheet.set_margin(_MARGIN_MM)
    sheet.set_auto_page_break(auto=True, margin=_MARGIN_MM)
    sheet.add_font("letter", "", _FONTS / "DejaVuSansLatin.ttf")
    sheet.add_font("letter", "B", _FONTS / "DejaVuSansLatin-Bold.ttf")
    sheet.add_page()
    for block in said:
        weight, size, above, line = _SET[block.kind]
        sheet.ln(above)
        sheet.set_font("letter", weight, size)
        if block.kind in {"title", "heading", "provision"}:
            # A heading does not stand at the foot of a page without its paragraph.
            if sheet.will_page_break(4 * line):
                sheet.add_page()
            sheet.start_section(block.text, level=0 if block.kind == "title" else 1)
        text = f"\u2022 {block.text}" if block.kind == "item" else block.text
        sheet.multi_cell(0, line, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    return bytes(sheet.output())
