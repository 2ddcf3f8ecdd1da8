"""Debian's Chromium, driven from Python: a Node process takes one command a line (``browser.mjs``)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class BrowserError(AssertionError):
    """What was asked of a page could not be done: no such field, no such button, no answer."""


@dataclass(frozen=True)
class Tab:
    """One page of one person's browser, with cookies of its own."""

    chromium: Chromium
    name: str

    def open(self, url: str) -> dict[str, Any]:
        """Go there; return the answer's status and where the browser ended."""
        return self._do("open", url=url)

    def facts(self) -> dict[str, Any]:
        """Return language, title, headings, links, ids that stand twice, and the browser's complaints."""
        return self._do("facts")

    def axe(self) -> list[str]:
        """Return each violation of WCAG 2.1 A and AA that axe finds: rule, selector, element."""
        return list(self._do("axe")["violations"])

    def overflow(self, width: int = 360) -> list[str]:
        """Return what sticks out of a window of this width, if the page then scrolls sideways."""
        return list(self._do("overflow", width=width)["found"])

    def fill(self, label: str, value: str) -> None:
        """Type into the field that has this label."""
        self._do("fill", label=label, value=value)

    def value(self, label: str) -> str:
        """Return what stands in the field that has this label."""
        return str(self._do("value", label=label)["value"])

    def press(self, button: str) -> str:
        """Press the button of this name; return where the browser ended."""
        return str(self._do("press", button=button)["url"])

    def follow(self, link: str = "", to: str | None = None) -> str:
        """Click the link of this name, or one whose address holds *to*; return where the browser ended."""
        return str(self._do("follow", link=link, to=to)["url"])

    def choose(self, label: str) -> None:
        """Click the label of a box or a button among others."""
        self._do("choose", label=label)

    def unfold(self, summary: str) -> None:
        """Open what is folded under this heading."""
        self._do("unfold", summary=summary)

    def focus(self, summary: str) -> None:
        """Put the keyboard's focus on the heading of something folded."""
        self._do("focus", summary=summary)

    def key(self, key: str, *, leads: bool = False) -> str:
        """Press a key; wait for a page if it leads to one; return what has the focus then."""
        return str(self._do("key", key=key, text=None, leads=leads)["focused"])

    def reach(self, what: str, *, key: str = "Tab") -> None:
        """Go on by the keyboard until the focus is on what has this id, or says this."""
        for _ in range(120):
            answer = self._do("key", key=key, text=None, leads=False)
            if what in (answer["id"], answer["focused"]):
                return
        raise BrowserError(f"no key leads to {what}")

    def count(self, selector: str) -> int:
        """Return how many elements there are of a kind."""
        return int(self._do("count", selector=selector)["count"])

    def types(self, text: str) -> None:
        """Type where the focus is."""
        self._do("key", key="", text=text, leads=False)

    def text(self) -> str:
        """Return what the page says."""
        return str(self._do("text")["text"])

    def picture(self, file: Path, width: int = 1200, media: str = "screen") -> None:
        """Save a picture of the whole page, as a screen or as print shows it."""
        self._do("picture", file=str(file), width=width, media=media)

    def close(self) -> None:
        """Forget this browser's cookies."""
        self._do("end")

    def _do(self, command: str, **told: Any) -> dict[str, Any]:
        return self.chromium.do(command, name=self.name, **told)


class Chromium:
    """One running browser; each tab of it is another person's."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._tabs = 0

    def tab(
        self, *, language: str = "en-US", width: int = 1200, height: int = 900, scripts: bool = True
    ) -> Tab:
        """Open a tab that shares nothing with the others."""
        self._tabs += 1
        name = f"tab {self._tabs}"
        self.do("begin", name=name, language=language, width=width, height=height, scripts=scripts)
        return Tab(self, name)

    def do(self, command: str, **told: Any) -> dict[str, Any]:
        """Send one command. Raises BrowserError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **told}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BrowserError("the browser ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BrowserError(f"{command} {told}: {answer['error']}")
        return answer


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Run a browser until the block ends."""
    program = shutil.which("chromium")
    assert program is not None
    command = ["node", "browser.mjs", program]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Chromium(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
