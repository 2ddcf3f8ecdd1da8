"""The offense codes that the policy bundle knows (FBI NIBRS, ``policies/data/offenses.json``).

Guarantees: a code that does not exist is told apart from one that does before anything is judged, and the
nearest ones are named with their titles; only text of a code's own shape is ever quoted back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.fuzz import ratio, token_set_ratio
from rapidfuzz.utils import default_process

from gatekeeper.errors import BundleRefused, Fault
from gatekeeper.ledger import Json
from gatekeeper.policy import Bundle

POINTER = "/purpose/offense"
# The empty code has the shape of one too: that it names nothing is for the policy to say.
SHAPE = re.compile(r"(?:[0-9]{2,3}[A-Z]?)?\Z")
_MOST = 5


class Offenses:
    """The codes of one bundle, each with its title."""

    __slots__ = ("_titles",)

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = dict(titles)

    @classmethod
    def of(cls, bundle: Bundle) -> Offenses:
        """Return the codes of *bundle*. Raises BundleRefused if it has none."""
        document = bundle.data.get("offenses")
        codes = document.get("codes") if isinstance(document, dict) else None
        if not isinstance(codes, dict) or not codes:
            raise BundleRefused(["data/offenses.json has no codes: no request could name its offense"])
        return cls({code: str(said["title"]) for code, said in codes.items() if isinstance(said, dict)})

    def fault(self, body: Json) -> Fault | None:
        """Return what is wrong with the offense that a request names, if it exists nowhere."""
        purpose = body.get("purpose") if isinstance(body, dict) else None
        return self.fault_of(purpose.get("offense") if isinstance(purpose, dict) else None, POINTER)

    def fault_of(self, said: Json, pointer: str) -> Fault | None:
        """Return what is wrong with an offense code that stands at *pointer*, if it exists nowhere."""
        if not isinstance(said, str) or not said or said in self._titles:
            return None
        near = self.nearest(said)
        if SHAPE.match(said):
            cure = f"Send one that does; the nearest: {'; '.join(near)}." if near else _LIST
            return Fault(pointer, f"The offense code {said} does not exist.", cure)
        # Whatever else was typed there is not repeated: it could be a plate or a name.
        return Fault(pointer, "Not an offense code.", f"Perhaps: {'; '.join(near)}.") if near else None

    def nearest(self, said: str) -> list[str]:
        """Name the codes that are spelt almost as *said*, then those whose titles hold its words."""
        code = said.strip().upper()[:8]
        spelt = [c for c, _, _ in process.extract(code, list(self._titles), scorer=ratio, score_cutoff=60)]
        spelt.sort(key=lambda near: -JaroWinkler.similarity(code, near))
        found = process.extract(
            said[:80], self._titles, scorer=token_set_ratio, processor=default_process, score_cutoff=85
        )
        codes = dict.fromkeys([*spelt, *(code for _, _, code in found)])
        return [f"{code} ({self._titles[code]})" for code in codes][:_MOST]


_LIST = "Send one of the FBI's NIBRS codes; 90Z (All Other Offenses) is for what has none of its own."
