"""The numbers of the forms that a legal paper is said to be, however they are written.

Immigration bodies sign their own warrants and detainers on numbered forms (I-200, I-205, I-247A and their
kin). No judge has seen them, and they count as no legal process at all (5 ILCS 805/10); which numbers those
are is the policy's to say (``policies/data/city.json``).
"""

from __future__ import annotations

import re
import unicodedata

_NUMBER = r"(?P<number>[0-9osz] ?[0-9osz] ?[0-9osz])(?=(?: ?[a-z])?(?: |$))"
_LETTERED = re.compile(rf"(?:^| |form|dhs|ice|ins)[il1|!] ?{_NUMBER}")
_BARE = re.compile(rf"(?:(?:form|no|number|dhs|ice|ins) ?)*{_NUMBER}(?: ?[a-z])?")
_UNSEEN = re.compile("[\u0300-\u036f\u200b-\u200f\u2060\ufeff\xad]")  # accents, and what has no width
_DIGITS = str.maketrans("osz", "052")
_LOOK_ALIKES = str.maketrans({"\u0456": "i", "\u0131": "i", "\u04cf": "i", "\u2160": "i", "\u043e": "o"})


def form_numbers(form: str | None) -> list[str]:
    """Return the numbers of the forms that a text names, as ``I-200``; a suffix letter is an edition.

    ``i200``, ``Form I-200 (Rev. 09/16)``, ``l-2OO`` and a bare ``200`` are all I-200.
    """
    folded = unicodedata.normalize("NFKD", (form or "").casefold()).translate(_LOOK_ALIKES)
    text = re.sub(r"[^a-z0-9|!]+", " ", _UNSEEN.sub("", folded))
    matches = [*_LETTERED.finditer(text.strip()), _BARE.fullmatch(text.strip())]
    numbers = [match["number"].replace(" ", "").translate(_DIGITS) for match in matches if match]
    return sorted({f"I-{number}" for number in numbers})
