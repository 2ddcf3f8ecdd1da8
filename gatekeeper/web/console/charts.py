"""The geometry of the console's charts: where each bar, line and label stands. Templates draw it as SVG.

Guarantees: what is drawn is in proportion to its value and begins at nought; nothing is told by colour alone
(series differ in their pattern or dashes, and each figure has its table beside it); nothing overlaps at the
width of a phone. Units are those of the SVG's own view box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

WIDTH: Final = 360.0
_ROW: Final = 40.0
_BAR: Final = 14.0
_LONGEST_LABEL: Final = 48
_PLOT: Final = 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 12.0, 12.0, 28.0
_LABELS: Final = 5
_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; of two series the first is hatched."""

    x: float
    y: float
    width: float
    height: float
    hatched: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside it."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True, slots=True)
class Run:
    """A line of one series through points that follow one another without a gap."""

    points: tuple[tuple[float, float], ...]
    series: int

    @property
    def path(self) -> str:
        """The points, as an SVG polyline has them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. ``rules`` are the heights of the lines behind it."""

    height: float
    bars: tuple[Bar, ...] = ()
    runs: tuple[Run, ...] = ()
    labels: tuple[Label, ...] = ()
    rules: tuple[float, ...] = field(default=())
    width: float = WIDTH
    left: float = _LEFT


Rows = Sequence[tuple[str, Sequence[int | None]]]
"""A label, and the value of each series (None: nothing was counted)."""


def bars(rows: Rows) -> Chart:
    """Return one bar a row, lying, its label above it and its value behind it."""
    longest = max((values[0] or 0 for _, values in rows), default=0) or 1
    room = WIDTH - 60.0
    drawn, labels = [], []
    for place, (label, values) in enumerate(rows):
        top, value = place * _ROW, values[0] or 0
        width = _tidy(room * value / longest)
        drawn.append(Bar(0.0, top + 18.0, width, _BAR))
        labels.append(Label(0.0, top + 13.0, _short(label)))
        labels.append(Label(width + 5.0, top + 18.0 + _BAR - 2.5, str(value)))
    return Chart(height=max(_ROW * len(rows), 1.0), bars=tuple(drawn), labels=tuple(labels))


def columns(rows: Rows) -> Chart:
    """Return one column a row, standing, its series on top of each other."""
    top = nice(max((sum(value or 0 for value in values) for _, values in rows), default=0))
    across = (WIDTH - _LEFT - _RIGHT) / max(len(rows), 1)
    drawn = []
    for place, (_, values) in enumerate(rows):
        floor = _TOP + _PLOT
        for series, value in enumerate(values):
            height = _tidy(_PLOT * (value or 0) / top)
            floor -= height
            if height:
                x = _LEFT + across * place + across * 0.1
                drawn.append(Bar(_tidy(x), _tidy(floor), _tidy(across * 0.8), height, hatched=not series))
    return Chart(
        height=_TOP + _PLOT + _BOTTOM,
        bars=tuple(drawn),
        labels=(*_scale(top), *_below(rows, across)),
        rules=_rules(),
    )


def lines(rows: Rows) -> Chart:
    """Return one line a series; where nothing was counted it is interrupted."""
    top = nice(max((value or 0 for _, values in rows for value in values), default=0))
    across = (WIDTH - _LEFT - _RIGHT) / max(len(rows), 1)
    drawn = []
    for series in range(max((len(values) for _, values in rows), default=0)):
        points: list[tuple[float, float]] = []
        for place, (_, values) in enumerate(rows):
            value = values[series]
            if value is None:
                drawn += [Run(tuple(points), series)] * bool(points)
                points = []
                continue
            height = _PLOT * value / top
            points.append((_tidy(_LEFT + across * (place + 0.5)), _tidy(_TOP + _PLOT - height)))
        drawn += [Run(tuple(points), series)] * bool(points)
    return Chart(
        height=_TOP + _PLOT + _BOTTOM,
        runs=tuple(drawn),
        labels=(*_scale(top), *_below(rows, across)),
        rules=_rules(),
    )


def nice(largest: int) -> int:
    """Return where a scale ends: at or above the largest, and in four whole steps of 1, 2 or 5 tens."""
    ten = 1
    while True:
        for digit in (1, 2, 5):
            if digit * ten * _TICKS >= max(largest, 1):
                return digit * ten * _TICKS
        ten *= 10


def _scale(top: int) -> list[Label]:
    heights = zip(_rules(), range(_TICKS, -1, -1), strict=True)
    return [Label(_LEFT - 5.0, y + 4.0, str(top * step // _TICKS), "end") for y, step in heights]


def _rules() -> tuple[float, ...]:
    return tuple(_tidy(_TOP + _PLOT * step / _TICKS) for step in range(_TICKS + 1))


def _below(rows: Rows, across: float) -> list[Label]:
    """Label the first row and each so many further that no two labels touch."""
    every = -(-len(rows) // _LABELS) or 1
    y = _TOP + _PLOT + 18.0
    return [
        Label(_tidy(_LEFT + across * (place + 0.5)), y, label, "middle")
        for place, (label, _) in enumerate(rows)
        if place % every == 0
    ]


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"


def _tidy(number: float) -> float:
    return round(number, 2)
