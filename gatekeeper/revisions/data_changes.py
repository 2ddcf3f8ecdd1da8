"""Two JSON files, compared as what they say: a term added, a number changed, a setting gone.

Guarantees: equal data in another layout is no change; ``true`` is not ``1``, and ``1`` is not ``1.0``; a
list is compared as the values that it holds, and a change of their order alone is said as that.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gatekeeper.policy.layout import Json, strict_json
from gatekeeper.policy.misfits import lines_of

_NAMES: Final = ("id", "code", "name", "state", "title", "key")  # by which an item of a list is known
_DEEPEST: Final = 64
_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class DataChange:
    """One change; ``pointer`` is a JSON pointer (RFC 6901), ``line`` where it stands (before, if removed).

    ``added`` and ``removed`` are of a member or an item; ``order``: the same values in another order.
    """

    pointer: str
    how: Literal["added", "removed", "changed", "order"]
    line: int
    before: Json
    after: Json


def data_changes(before: str | None, after: str | None) -> tuple[DataChange, ...]:
    """Compare two texts of JSON; nothing if one of them is not JSON: their lines then say it."""
    try:
        old = {} if before is None else strict_json(before)
        new = {} if after is None else strict_json(after)
    except ValueError:
        return ()
    earlier, later = lines_of(before or "{}"), lines_of(after or "{}")
    if max(map(len, [*earlier, *later]), default=0) > _DEEPEST:
        return ()  # nobody writes data so; the lines say it
    found = []
    for how, old_place, new_place, one, other in _compared(old, new, (), ()):
        gone = how == "removed"
        place, lines = (old_place, earlier) if gone else (new_place, later)
        found.append(DataChange(_pointer(place), how, lines.get(place, 1), one, other))
    return tuple(found)


_Found = tuple[Literal["added", "removed", "changed", "order"], _Place, _Place, Json, Json]


def _compared(old: Json, new: Json, here: _Place, there: _Place) -> Iterator[_Found]:
    """Yield what changed between two values, which stand *here* in the old text and *there* in the new."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            if name not in new:
                yield "removed", (*here, name), (*there, name), old[name], None
            elif name not in old:
                yield "added", (*here, name), (*there, name), None, new[name]
            else:
                yield from _compared(old[name], new[name], (*here, name), (*there, name))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, here, there)
    elif _text(old) != _text(new):
        yield "changed", here, there, old, new


def _lists(old: Sequence[Json], new: Sequence[Json], here: _Place, there: _Place) -> Iterator[_Found]:
    name = _name_of(old, new)
    if name is not None:
        mine = {_text(_member(item, name)): place for place, item in enumerate(old)}
        theirs = {_text(_member(item, name)): place for place, item in enumerate(new)}
        for key in mine.keys() & theirs.keys():
            a, b = mine[key], theirs[key]
            yield from _compared(old[a], new[b], (*here, a), (*there, b))
        gone = [place for key, place in mine.items() if key not in theirs]
        come = [place for key, place in theirs.items() if key not in mine]
    else:
        gone, come = _left_over(old, new), _left_over(new, old)
    for place in gone:
        yield "removed", (*here, place), there, old[place], None
    for place in come:
        yield "added", here, (*there, place), None, new[place]
    keys = [[_text(item if name is None else _member(item, name)) for item in items] for items in (old, new)]
    if not gone and not come and keys[0] != keys[1]:
        yield "order", here, there, list(old), list(new)


def _left_over(these: Sequence[Json], those: Sequence[Json]) -> list[int]:
    """Return the places of these that are not among those, as often as they are there."""
    left = Counter(map(_text, those))
    found = []
    for place, item in enumerate(these):
        text = _text(item)
        if left[text]:
            left[text] -= 1
        else:
            found.append(place)
    return found


def _name_of(old: Sequence[Json], new: Sequence[Json]) -> str | None:
    """Return the member by which every item of both lists is known, each differently."""
    for name in _NAMES:
        keys = [[_text(_member(item, name)) for item in items] for items in (old, new)]
        if all("null" not in one and len(set(one)) == len(one) for one in keys) and (old or new):
            return name
    return None


def _member(item: Json, name: str) -> Json:
    return item.get(name) if isinstance(item, dict) else None


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _pointer(place: _Place) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
