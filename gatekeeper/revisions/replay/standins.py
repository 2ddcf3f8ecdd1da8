"""Texts that stand in for what a person typed: names, words and numbers of cases never leave this process.

A rule learns of such a text only what it asks of it: is it blank, does it match a pattern, does it hold one
of the law's own words, is it the same as another. Guarantees: a stand-in gives the same answer to each such
question as the text itself, and it is the engine that answered, for both; it is taken from a short list that
is the same for all cities, or made of the law's own words that the text was asked for. So whatever a rule
concludes from the one it concludes from the other. Where none is found, None: the text has no stand-in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import regorus
from cachetools import LRUCache

from gatekeeper.errors import PolicyUnavailable

_RULES: Final = """package asked

said := [answer |
	some item in input.items
	answer := {
		"trimmed": trim_space(item.text),
		"matched": [regex.match(pattern, item.text) | some pattern in item.patterns],
		"held": [contains(item.text, needle) | some needle in item.needles],
	}
]
"""
POOL: Final = (
    "x", "", " ", "xx", "1", "x1", "1x", "X", "XX", "Xx", "Xx Xx", "11", "11-11", "1-1", "1.1", "#", "#1",
    "-", "I-1", "x x", "é", "éé", "?", "(x)", "1111", "1111-1111", "xxxx", "xxxxxxxx", "11111111",
    "xx1", "xxx", "xy", "yx", "yy", "Xy Xy", "2", "2x", "22", "21", " x", "x ", "  ", "x1-", ".",
)  # fmt: skip
"""Every text that may stand in for one; beside these there are only words of the law."""
_REMEMBERED: Final = 20_000
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """All that the rules ask of the text at one path; ``needles`` are words of the law."""

    patterns: tuple[str, ...] = ()
    needles: tuple[str, ...] = ()
    blank: bool = False

    @property
    def none(self) -> bool:
        """Say whether nothing is asked but that it is a text."""
        return not (self.patterns or self.needles or self.blank)


class StandIns:
    """Finds them, by asking the engine; used by one thread (the engine answers only the one that made it)."""

    def __init__(self) -> None:
        self._engine: Any = regorus.Engine()
        self._engine.set_gather_prints(True)
        self._engine.add_policy("asked.rego", _RULES)
        self._texts: dict[Questions, LRUCache[str, str | None]] = {}
        self._found: LRUCache[Any, Any] = LRUCache(_REMEMBERED)
        self._pool: dict[Questions, list[tuple[str, Any]]] = {}

    def of(self, text: str, questions: Questions) -> str | None:
        """Return what stands in for *text*, None if nothing does. Raises PolicyUnavailable."""
        if questions.none:
            return POOL[0]
        known = self._known(questions)
        if text not in known:
            self.learn([text], questions)
        found: str | None = known[text]
        return found

    def learn(self, texts: Iterable[str], questions: Questions) -> None:
        """Find the stand-ins of many texts: asking the engine once for all of them costs a tenth.

        Raises PolicyUnavailable.
        """
        known = self._known(questions)
        new = [] if questions.none else list({text: None for text in texts if text not in known})
        for first in range(0, len(new), _AT_ONCE):
            some = new[first : first + _AT_ONCE]
            for text, said in zip(some, self._answers(some, questions), strict=True):
                answer = _answer(said, questions)
                candidates = [*self._candidates(questions), *self._made(said, questions)]
                known[text] = next((one for one, other in candidates if other == answer), None)

    def _known(self, questions: Questions) -> LRUCache[str, str | None]:
        if questions not in self._texts:
            self._texts[questions] = LRUCache(_REMEMBERED)
        return self._texts[questions]

    def together(
        self,
        texts: Mapping[str, str],
        questions: Mapping[str, Questions],
        pairs: Sequence[tuple[str, str, str]],
    ) -> Mapping[str, str] | None:
        """Return stand-ins for texts that are compared with each other: (one, the other, raw or trim).

        They are equal exactly where the texts are. None if there are none. Raises PolicyUnavailable.
        """
        names = sorted(texts)
        key = (tuple((name, texts[name], questions[name]) for name in names), tuple(pairs))
        if key not in self._found:
            self._found[key] = self._joint(names, texts, questions, pairs)
        found: Mapping[str, str] | None = self._found[key]
        return found

    def same(self, one: str, other: str, questions: Questions) -> bool:
        """Say whether the rules learn the same of two texts. Raises PolicyUnavailable."""
        if one == other or questions.none:
            return True
        first, second = self._answers([one, other], questions)
        return bool(_answer(first, questions) == _answer(second, questions))

    def _joint(
        self,
        names: Sequence[str],
        texts: Mapping[str, str],
        questions: Mapping[str, Questions],
        pairs: Sequence[tuple[str, str, str]],
    ) -> Mapping[str, str] | None:
        fitting, trimmed = [], dict[str, str]()
        for name in names:
            (said,) = self._answers([texts[name]], questions[name])
            trimmed[texts[name]] = said["trimmed"]
            answer = _answer(said, questions[name])
            fitting.append([one for one, other in self._candidates(questions[name]) if other == answer])
        for one, said in zip(POOL, self._answers(POOL, Questions()), strict=True):
            trimmed[one] = said["trimmed"]
        asked = [(names.index(one), names.index(other), how) for one, other, how in pairs]
        wanted = [_equal(texts[names[a]], texts[names[b]], how, trimmed) for a, b, how in asked]
        for chosen in product(*fitting):
            if wanted == [_equal(chosen[a], chosen[b], how, trimmed) for a, b, how in asked]:
                return dict(zip(names, chosen, strict=True))
        return None

    def _candidates(self, questions: Questions) -> list[tuple[str, Any]]:
        if questions not in self._pool:
            said = self._answers(POOL, questions)
            self._pool[questions] = [(t, _answer(s, questions)) for t, s in zip(POOL, said, strict=True)]
        return self._pool[questions]

    def _made(self, said: Any, questions: Questions) -> list[tuple[str, Any]]:
        """Return the law's own words that the text holds, as a text, if that holds no other of them."""
        held = [word for word, is_held in zip(questions.needles, said["held"], strict=True) if is_held]
        if not held:
            return []
        texts = ["|".join(held), " ".join(held)]
        answers = self._answers(texts, questions)
        return [(text, _answer(answer, questions)) for text, answer in zip(texts, answers, strict=True)]

    def _answers(self, texts: Sequence[str], questions: Questions) -> list[Any]:
        items = [
            {"text": text, "patterns": questions.patterns, "needles": questions.needles} for text in texts
        ]
        try:
            self._engine.set_input_json(json.dumps({"items": items}))
            said: list[Any] = json.loads(self._engine.eval_rule_as_json("data.asked.said"))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - regorus panics with a BaseException
            raise PolicyUnavailable(f"a text could not be replaced: {type(error).__name__}") from None
        if len(said) != len(texts):
            raise PolicyUnavailable("a text could not be replaced: a pattern of the law is none")
        return said


def _answer(said: Any, questions: Questions) -> Any:
    return (not said["trimmed"] if questions.blank else None, said["matched"], said["held"])


def _equal(one: str, other: str, how: str, trimmed: Mapping[str, str]) -> bool:
    return bool(trimmed[one] == trimmed[other]) if how == "trim" else one == other
