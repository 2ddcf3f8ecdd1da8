"""What a fault of a bundle means to the person who has to mend it: the file, the line, a sentence, the cure.

``load`` and the checks name faults; here each is given the line that it is about, where there is one, and
what to do. Guarantees: no fault is left out, and one that is not known here still says which file it is in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.policy.cures import KINDS, UNKNOWN, Place

_OWN_CURE = "; to mend it: "
_FILE = re.compile(r"'?(?P<file>\.?[\w./~-]+?)'?(?::(?P<line>\d+))?: (?P<rest>.*)", re.DOTALL)
_ENGINE = re.compile(r"--> \S*?:(?P<line>\d+):(?P<column>\d+) .*?error: (?P<said>.*)", re.DOTALL)
_TRIAL = re.compile(r"the trial failed: --> (?P<file>\S+?\.rego):(?P<rest>\d+:\d+ .*)", re.DOTALL)
_RULE = re.compile(r"(?P<package>[a-z][\w.]*)\.(?P<rule>\w+)")
_CHECK = re.compile(r"(?P<code>[a-z]\w*): (?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; ``line`` is None where it is about the whole file, ``file`` empty where it is about none."""

    file: str
    line: int | None
    message: str
    cure: str

    @property
    def place(self) -> str:
        """Return the file and line as editors read them."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


def finding_of(fault: str, texts: Mapping[str, str]) -> Finding:
    """Explain *fault*; *texts* are the files of the directory, by path."""
    file, line, said = _split(fault, texts)
    said, _, own_cure = said.partition(_OWN_CURE)
    for kind in KINDS:
        if found := kind.pattern.fullmatch(said):
            parts = {name: part or "" for name, part in found.groupdict().items()}
            message = _filled(kind.message, parts) or said
            if kind.place is not None:
                text = texts.get(file, "")
                line = (
                    _line(kind.place, text, parts) if line is None else _within(kind.place, text, parts, line)
                )
            cure = _sentence(own_cure) if own_cure else _filled(kind.cure, parts)
            return Finding(file, line, _sentence(message), cure)
    return Finding(file, line, _sentence(said), _sentence(own_cure) if own_cure else UNKNOWN)


def _split(fault: str, texts: Mapping[str, str]) -> tuple[str, int | None, str]:
    """Return the file, the line and the words of a fault."""
    if trial := _TRIAL.fullmatch(fault):  # the engine says in which file it stopped
        fault = f"{trial['file']}: --> {trial['file']}:{trial['rest']}"
    found = _FILE.fullmatch(fault)
    if found is None:
        return "", None, fault
    file, line, rest = found["file"], found["line"], found["rest"]
    if engine := _ENGINE.fullmatch(rest):
        return file, int(engine["line"]), f"not Rego: {engine['said']}"
    if file.startswith("checks/") and (check := _CHECK.fullmatch(rest)):
        return _of_code(check["code"], texts), None, check["rest"]
    if file not in texts and (rule := _RULE.fullmatch(file)) and (path := _path(rule["package"], texts)):
        return path, _first(rf"^{rule['rule']}\b", texts[path]), rest
    if file not in texts and "/" not in file and "." not in file:
        return _of_code(file, texts), None, rest
    return file, int(line) if line else None, rest


def _path(package: str, texts: Mapping[str, str]) -> str | None:
    begins = re.compile(rf"^package {re.escape(package)}\s*$", re.MULTILINE)
    rules = (path for path in texts if path.endswith(".rego"))
    return next((path for path in rules if begins.search(texts[path])), None)


def _of_code(code: str, texts: Mapping[str, str]) -> str:
    """Return the file of a provision, or its code where there is none."""
    return next((path for path in texts if path.endswith(f"/{code}/{code}.rego")), code)


def _line(place: Place, text: str, parts: Mapping[str, str]) -> int | None:
    """Find the line that a fault of a known kind is about."""
    if place == "json":
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            return error.lineno
        except (ValueError, RecursionError):
            return None
        return None
    return _first(_filled(place, {name: re.escape(part) for name, part in parts.items()}), text)


def _within(place: Place, text: str, parts: Mapping[str, str], head: int) -> int:
    """Find the line of a rule that a fault is about; *head*, with which the rule begins, if none is."""
    if place == "json":
        return head
    pattern = re.compile(_filled(place, {name: re.escape(part) for name, part in parts.items()}))
    for number, line in enumerate(text.splitlines()[head - 1 :], head):
        if number > head and line and not line.startswith((" ", "\t", "}")):
            break  # the next rule
        if pattern.search(line):
            return number
    return head


def _filled(text: str, parts: Mapping[str, str]) -> str:
    """Put the parts of a fault where *text* names them in braces; Rego's own braces stay."""
    return re.sub(r"\{([a-z]+)\}", lambda name: parts.get(name[1], name[0]), text)


def _first(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.start()) + 1


def _sentence(message: str) -> str:
    """Begin with a capital and end with a stop; a name at the start stays as it is written."""
    message = message.strip()
    first = message.split(" ", 1)[0]
    if first.isalpha() and first.islower():
        message = message[0].upper() + message[1:]
    return message if message.endswith((".", "?", "!")) else f"{message}."
