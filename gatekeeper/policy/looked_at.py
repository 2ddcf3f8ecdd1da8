"""What a provision looks at, by its text: for whoever explains a denial or a change, never to decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gatekeeper.policy.bundle import Bundle

_FACT = re.compile(r"\binput((?:\.[a-z_0-9]+)+)")
_SHARED = re.compile(r"\bdata\.facts\.([a-z_0-9]+)\b")
_DATA = re.compile(r"\bdata\.(?!(?:facts|sharing|redaction|main|packs)\b)([a-z_0-9]+)")
_WORDS = re.compile(r"\binput\.words\b")
_REMARK = re.compile(r"^\s*#.*$", re.MULTILINE)


def facts_of(bundle: Bundle, code: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths below ``input`` that a provision, or a fact that it is built of, names.

    Where a whole is named its parts are left out. A provision that the bundle does not have names none.
    """
    provision = bundle.written.get(code)
    if provision is None:
        return ()
    found = {
        tuple(path.split(".")) for _, text in _texts(bundle.modules, provision.path) for path in _named(text)
    }
    return tuple(sorted(path for path in found if not any(path[:n] in found for n in range(1, len(path)))))


def read_by(files: Mapping[str, str], path: str) -> dict[str, frozenset[str]]:
    """Return every file that the rule at *path* is made from: itself, facts, and data.

    Each with the members that it names, where the rule names one by one; none means that it reads the whole.
    What words say is a fact that the screen finds before the law is asked, with the lists of words.
    """
    found: dict[str, frozenset[str]] = {}
    members: dict[str, set[str]] = {}
    for one, text in _texts(files, path):
        found[one] = frozenset()
        if _WORDS.search(text):
            found |= {"data/lexicon.json": frozenset(), "data/offenses.json": frozenset()}
        for name in set(_DATA.findall(text)):
            named = set(re.findall(rf"\b{name}(?:\.([a-z_0-9]+)|\[|\b(?= as ))", text))
            members.setdefault(name, set()).update(named or {""})
    for name, named in members.items():
        whole = frozenset() if "" in named else frozenset(named)
        if name != "pack":
            found.setdefault(f"data/{name}.json", whole)
        else:
            found |= {f"packs/{pack}/pack.json": frozenset() for pack in whole}
    return found


def _named(text: str) -> Iterator[str]:
    for match in _FACT.finditer(text):
        yield match[1][1:]


def _texts(modules: Mapping[str, str], path: str) -> Iterator[tuple[str, str]]:
    """Yield the provision's module and those of the facts it imports: path, and text without remarks."""
    waiting, seen = [path], set()
    while waiting:
        one = waiting.pop()
        if one in seen or one not in modules:
            continue
        seen.add(one)
        text = _REMARK.sub("", modules[one])
        yield one, text
        waiting += [f"facts/{noun}/{noun}.rego" for noun in _SHARED.findall(text)]
