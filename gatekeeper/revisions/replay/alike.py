"""Facts made alike where no rule of either law tells them apart: decided once, and fit to be sent elsewhere.

Each leaf is treated by what the rules do with it (``uses``): one that nobody reads becomes a fixed value that
fits the schema; a number that is only compared becomes the least that lies between the same constants, and so
does a day; a name of something (an agency, a kind) that the law does not mention becomes a stranger; what a
person typed gets a stand-in (``standins``). Guarantees: both laws decide the treated facts exactly as the
facts themselves, if those fit their schemas; nulls, truth values and the lengths of lists that a rule may
count stay. A text that is not known to be public counts as typed by a person, so that a fact which a later
schema adds is not sent anywhere by oversight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import compact
from gatekeeper.policy import Bundle
from gatekeeper.revisions.replay.constants import Constants, needles, strangers
from gatekeeper.revisions.replay.standins import Questions, StandIns
from gatekeeper.revisions.replay.uses import EACH, Path, Place, Use, uses_of

_AGENCY: Final = ("id", "kind", "state", "status", "affirmation.state", "affirmation.text_version",
                  "declaration.state", "declaration.text_version")  # fmt: skip
PUBLIC: Final = frozenset(
    {f"{party}.{name}" for party in ("agency", "end_requester") for name in _AGENCY}
    | {"clock.date", "query.kind", "query.plate_state", "attestation.text_version"}
    | {"purpose.category", "purpose.offense", "purpose.statute_state", "purpose.earlier_offenses.[]"}
    | {"legal_process.kind", "legal_process.earlier_kinds.[]", "legal_process.form_numbers.[]"}
    | {"words.classes.[]", "words.matches.[].class", "words.matches.[].field"}
    | {f"patterns.refused_before.[].{part}" for part in ("provisions.[]", "category")}
    | {"patterns.refused_before.[].classes_gone.[]", "patterns.refused_before.[].taken_back.[]"}
    | {"patterns.sensitive_places.[]"}
    | {"words.narrative.means.[]", "words.narrative.added_means.[]"}
    | {"stops.[].scope", "stops.[].value"}
)
"""The texts that come from a closed list, from our own registry or from the screen, not from a person."""
# One of them a person types all the same: it is public only in so far as it is a name that the law knows.
_TYPED: Final = frozenset({"attestation.text_version"})

_Treat = Callable[[Any, "_Turn"], Any]
_APART: Final = frozenset({"equal", "lookup", "order", "whole", "pair"})


@dataclass(frozen=True, slots=True)
class Unhidden:
    """A private text that no stand-in can replace, because of what a rule does with it, and where."""

    path: str
    place: Place
    kind: str

    def __str__(self) -> str:
        """Say it to whoever wrote the rule."""
        return (
            f"{self.place.path}:{self.place.line}: `{self.place.text}` reads input.{self.path} in a way that "
            "only the text itself answers"
        )


@dataclass(slots=True)
class _Turn:
    """One run over one set of facts."""

    chosen: Mapping[str, str | None]
    hidden: bool = True


class Alike:
    """Treats facts for some laws; one thread's own."""

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self._laws = laws = [(bundle, uses_of(bundle)) for bundle in bundles]
        self._strangers = strangers(laws)
        self._stand_ins = StandIns()
        self._uses: dict[Path, dict[Use, Place]] = {}
        for _, uses in laws:
            for path, found in uses.found.items():
                for use, place in found.items():
                    self._uses.setdefault(path, {}).setdefault(use, place)
        self._schemas = [
            s for s in (bundle.schemas.get("input") for bundle in bundles) if isinstance(s, dict)
        ]
        self.unhidden: list[Unhidden] = []
        self._asked: dict[str, Questions] = {}
        self._typed: list[tuple[str, Questions]] = []
        self._pairs = self._compared()
        self._paired = {name for one, other, _ in self._pairs for name in (one, other)}
        self._root = self._treatment((), self._schemas)

    def treated(self, facts: Mapping[str, Json]) -> tuple[dict[str, Json], bool]:
        """Return the facts made alike, and whether no text that a person typed is left in them.

        Raises PolicyUnavailable.
        """
        turn = _Turn(self._together(facts) if self._pairs else {})
        treated: dict[str, Json] = self._root(facts, turn)
        return treated, turn.hidden and not self.unhidden

    def text(self, facts: Mapping[str, Json]) -> bytes:
        """Return treated facts as the text by which they are known again."""
        return compact(facts)

    def prepare(self, several: Iterable[Mapping[str, Json]]) -> None:
        """Find the stand-ins for the texts of several facts at once. Raises PolicyUnavailable."""
        texts: list[set[str]] = [set() for _ in self._typed]
        for facts in several:
            for found, (name, _) in zip(texts, self._typed, strict=True):
                text = _at(facts, name)
                if type(text) is str:
                    found.add(text)
        for found, (_, questions) in zip(texts, self._typed, strict=True):
            self._stand_ins.learn(sorted(found), questions)

    # --- What is done with a leaf is found once. ----------------------------------------------------------

    def _treatment(self, path: Path, schemas: Sequence[Any]) -> _Treat:
        """Return what is done with whatever stands at *path*; ``_kept`` itself if nothing is."""
        uses = self._of(path)
        if not uses and not self._below(path):
            return _always(schemas, path)
        within = [inner for schema in schemas for inner in _alternatives(schema)]
        parted = any(use.kind in _APART for use in uses)
        text = self._for_text(path, uses, within) if _may_be_text(within) else _kept
        number = self._for_number(uses, within) if _may_be_number(within) else _kept
        inside = self._for_object(path, within) if not parted else _kept
        items = self._for_list(path, uses, within) if not parted else _kept
        if parted and not self._leaf(within) and _private(path, within):
            self._expose(path, uses)
        treats = {str: text, int: number, dict: inside, list: items}
        by_kind = {kind: treat for kind, treat in treats.items() if treat is not _kept}
        if not by_kind:
            return _kept

        def treat(value: Any, turn: _Turn) -> Any:
            found = by_kind.get(type(value))
            return value if found is None else found(value, turn)

        return treat

    def _for_object(self, path: Path, within: Sequence[Any]) -> _Treat:
        names = dict.fromkeys(name for p in within for name in p.get("properties", {}))
        known = {
            name: self._treatment(
                (*path, name), [p["properties"][name] for p in within if name in p.get("properties", {})]
            )
            for name in names
        }
        if not known and not self._below((*path, EACH)) and path[:1] != ("ruling",):
            return _kept if not self._below(path) else self._open_object(path, known, ())
        if any(p.get("additionalProperties", True) is not False for p in within if "properties" not in p):
            others = [o for p in within if isinstance(o := p.get("additionalProperties"), dict)]
            return self._open_object(path, known, others)
        active = [(name, treat) for name, treat in known.items() if treat is not _kept]

        def inside(value: dict[str, Any], turn: _Turn) -> dict[str, Any]:
            found = value.copy()
            for name, treat in active:
                if name in found:
                    found[name] = treat(found[name], turn)
            return found

        return inside

    def _open_object(self, path: Path, known: dict[str, _Treat], schemas: Sequence[Any]) -> _Treat:
        """Return what is done with an object whose names no schema lists, such as rulings by provision."""

        def inside(value: dict[str, Any], turn: _Turn) -> dict[str, Any]:
            for name in value.keys() - known.keys():
                known[name] = self._treatment((*path, name), schemas)
            return {name: known[name](inner, turn) for name, inner in value.items()}

        return inside

    def _for_list(self, path: Path, uses: Mapping[Use, Place], within: Sequence[Any]) -> _Treat:
        schemas = [p["items"] for p in within if "items" in p]
        if not schemas and not self._below((*path, EACH)):
            return _kept
        each = self._treatment((*path, EACH), schemas)
        counted = any(use.kind == "count" for use in uses) or self._below((*path, EACH))
        unique = any(p.get("uniqueItems") for p in within)

        def items(value: list[Any], turn: _Turn) -> list[Any]:
            found = [each(inner, turn) for inner in value] if counted else []
            return self._told_apart(found, value) if unique and len(found) > 1 else found

        return items

    def _told_apart(self, found: list[Any], value: list[Any]) -> list[Any]:
        """Return the list with each stranger in it another; as it was if that is not enough."""
        others = iter(self._strangers)
        apart = [next(others) if one == self._strangers[0] else one for one in found]
        return apart if len({compact(one) for one in apart}) == len(apart) else value

    def _for_text(self, path: Path, uses: Mapping[Use, Place], within: Sequence[Any]) -> _Treat:
        name, kinds = ".".join(path), {use.kind for use in uses}
        if name not in PUBLIC and path[:1] != ("ruling",):
            return self._for_typed(name, uses)
        if kinds & {"whole", "contains", "blank", "pair", "count"} or (
            kinds & {"regex"} and "order" not in kinds
        ):
            if name in _TYPED:
                self._expose(path, uses)
            return _kept
        if "order" in kinds:
            questions = Questions(patterns=tuple(sorted(use.value for use in uses if use.kind == "regex")))
            day = lru_cache(maxsize=4096)(
                partial(self._day, constants=self._constants(uses), questions=questions)
            )
            return lambda value, _: day(value)
        if any("enum" in p or "pattern" in p for p in within):
            return _kept
        known, stranger = self._constants(uses).texts, self._strangers[0]
        return lambda value, _: value if value in known else stranger

    def _for_typed(self, name: str, uses: Mapping[Use, Place]) -> _Treat:
        path = tuple(name.split("."))
        told = {"exists", "type", "blank", "regex", "contains", "pair"}
        apart = {use: place for use, place in uses.items() if use.kind not in told}
        if apart or (name not in self._paired and any(use.kind == "pair" for use in uses)):
            self._expose(path, apart or uses)
            return _kept
        questions = self._questions(name, uses)
        if questions.none and name not in self._paired:
            plain = self._stand_ins.of("", questions)
            return lambda _, __: plain
        if EACH not in path and name not in self._paired:
            self._typed.append((name, questions))

        def stand_in(value: str, turn: _Turn) -> str:
            chosen = name in turn.chosen
            found = turn.chosen[name] if chosen else self._stand_ins.of(value, questions)
            if found is None:
                turn.hidden = False
                return value
            return found

        return stand_in

    def _for_number(self, uses: Mapping[Use, Place], within: Sequence[Any]) -> _Treat:
        kinds = {use.kind for use in uses}
        if kinds & {"whole", "lookup", "pair", "count"} or not kinds <= {"exists", "type", "equal", "order"}:
            return _kept
        least = max((p["minimum"] for p in within if "minimum" in p), default=None)
        constants = self._constants(uses)
        return lambda value, _: constants.number(value, least)

    def _constants(self, uses: Mapping[Use, Place]) -> Constants:
        return Constants(self._laws, [use.value for use in uses if use.kind in ("equal", "lookup", "order")])

    def _day(self, value: str, constants: Constants, questions: Questions) -> str:
        found = constants.day(value)
        return found if self._stand_ins.same(value, found, questions) else value

    # --- Texts that are compared with each other. ---------------------------------------------------------

    def _compared(self) -> list[tuple[str, str, str]]:
        found: set[tuple[str, str, str]] = set()
        for path, uses in self._uses.items():
            for use in uses:
                if use.kind != "pair":
                    continue
                how, _, other = use.value.partition(":")
                names = sorted((".".join(path), other))
                if all(name not in PUBLIC and EACH not in name.split(".") for name in names):
                    found.add((names[0], names[1], how))
        for name in {name for one, other, _ in found for name in (one, other)}:
            self._asked[name] = self._questions(name, self._of(tuple(name.split("."))))
        return sorted(found)

    def _together(self, facts: Mapping[str, Json]) -> Mapping[str, str | None]:
        texts = {name: text for name in self._paired if isinstance(text := _at(facts, name), str)}
        pairs = [pair for pair in self._pairs if pair[0] in texts and pair[1] in texts]
        if not pairs:
            return {}
        asked = {name: texts[name] for one, other, _ in pairs for name in (one, other)}
        return self._stand_ins.together(asked, self._asked, pairs) or dict.fromkeys(asked)

    def _questions(self, name: str, uses: Mapping[Use, Place]) -> Questions:
        if name in self._asked:
            return self._asked[name]
        return Questions(
            patterns=tuple(sorted({use.value for use in uses if use.kind == "regex"})),
            needles=needles(self._laws, [use.value for use in uses if use.kind == "contains"]),
            blank=any(use.kind == "blank" for use in uses),
        )

    # --- Uses. --------------------------------------------------------------------------------------------

    def _of(self, path: Path) -> dict[Use, Place]:
        """Return the uses of a path; what is done with every element is done with this one."""
        found: dict[Use, Place] = {}
        for known, uses in self._uses.items():
            if len(known) == len(path) and all(
                one in (other, EACH) for one, other in zip(known, path, strict=True)
            ):
                found |= uses
            elif len(known) < len(path) and all(
                one in (other, EACH) for one, other in zip(known, path, strict=False)
            ):
                # A fact that is used whole, or compared, is used with all that is in it.
                found |= {Use("whole"): place for use, place in uses.items() if use.kind in _APART}
        return found

    def _below(self, path: Path) -> bool:
        return any(
            len(known) >= len(path)
            and all(one in (other, EACH) for one, other in zip(known, path, strict=False))
            for known in self._uses
        )

    def _leaf(self, within: Sequence[Any]) -> bool:
        return not any("properties" in p or "items" in p for p in within)

    def _expose(self, path: Path, uses: Mapping[Use, Place]) -> None:
        """Note that what stands here, or below, goes on as it is although a person may have typed it."""
        use, place = next(
            ((use, place) for use, place in uses.items() if use.kind in _APART), next(iter(uses.items()))
        )
        self.unhidden.append(Unhidden(".".join(path), place, use.kind))


def _private(path: Path, within: Sequence[Any]) -> bool:
    """Say whether a text that a person typed may stand somewhere below *path*."""
    found = False
    for one in within:
        inner = [((*path, name), schema) for name, schema in one.get("properties", {}).items()]
        inner += [((*path, EACH), one["items"])] if "items" in one else []
        if not inner and _may_be_text([one]):
            found = found or (".".join(path) not in PUBLIC and path[:1] != ("ruling",))
        found = found or any(_private(place, _alternatives(schema)) for place, schema in inner)
    return found


def _may_be_text(within: Sequence[Any]) -> bool:
    """Say whether a text may stand here; where no schema says anything, anything may."""
    return not within or any(
        "enum" in one or one.get("type") == "string" or not one.keys() & {"type", "properties", "items"}
        for one in within
    )


def _may_be_number(within: Sequence[Any]) -> bool:
    return not within or any(
        one.get("type") in ("integer", "number") or not one.keys() & {"type", "properties", "items", "enum"}
        for one in within
    )


def _kept(value: Any, _: _Turn) -> Any:
    return value


def _always(schemas: Sequence[Any], path: Path) -> _Treat:
    """Return what puts the same value, one that fits every schema, in the place of whatever is not read."""
    examples = [_example(schema) for schema in schemas]
    if examples and all(example == examples[0] for example in examples):
        return lambda _, __: examples[0]
    if path[:1] == ("ruling",):
        return _kept
    return lambda value, _: _plainest(value)


def _plainest(value: Any) -> Any:
    """Return a value of the same shape with nothing in it."""
    if isinstance(value, dict):
        return {name: _plainest(inner) for name, inner in value.items()}
    return [] if isinstance(value, list) else "" if isinstance(value, str) else value


def _example(schema: Any) -> Any:
    """Return the plainest value that fits *schema*, as it says itself."""
    kinds = _alternatives(schema)
    if any(one.get("type") == "null" for one in kinds):
        return None
    one = kinds[0]
    if "enum" in one:
        return one["enum"][0]
    match one.get("type"):
        case "object":
            return {name: _example(inner) for name, inner in one.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return max(0, one.get("minimum", 0))
        case "boolean":
            return False
    return "2000-01-01" if "pattern" in one else ""


def _alternatives(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return [{}]
    return [one for key in ("anyOf", "oneOf") for one in schema.get(key, ())] or [schema]


def _at(facts: Any, name: str) -> Any:
    for part in name.split("."):
        facts = facts.get(part) if isinstance(facts, dict) else None
    return facts
