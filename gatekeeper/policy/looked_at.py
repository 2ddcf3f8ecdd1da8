"""Which facts a provision looks at: for whoever must explain a denial, never for the decision itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gatekeeper.policy.bundle import Bundle

_FACT = re.compile(r"\binput((?:\.[a-z_0-9]+)+)")
_SHARED = re.compile(r"\bdata\.facts\.([a-z_0-9]+)\b")
_REMARK = re.compile(r"^\s*#.*$", re.MULTILINE)


def facts_of(bundle: Bundle, code: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths below ``input`` that a provision, or a fact that it is built of, names.

    Where a whole is named its parts are left out. A provision that the bundle does not have names none.
    """
    provision = bundle.written.get(code)
    if provision is None:
        return ()
    found = {
        tuple(path.split(".")) for text in _texts(bundle.modules, provision.path) for path in _named(text)
    }
    return tuple(sorted(path for path in found if not any(path[:n] in found for n in range(1, len(path)))))


def _named(text: str) -> Iterator[str]:
    for match in _FACT.finditer(text):
        yield match[1][1:]


def _texts(modules: Mapping[str, str], path: str) -> Iterator[str]:
    """Yield the provision's module and those of the facts it imports, each once, without their remarks."""
    waiting, seen = [path], set()
    while waiting:
        one = waiting.pop()
        if one in seen or one not in modules:
            continue
        seen.add(one)
        text = _REMARK.sub("", modules[one])
        yield text
        waiting += [f"facts/{noun}/{noun}.rego" for noun in _SHARED.findall(text)]
