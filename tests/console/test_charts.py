"""The geometry of the charts: in proportion, from nought, inside the drawing, nothing on top of another."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gatekeeper.web.console.charts import WIDTH, Chart, bars, columns, lines, nice

MANY = [(f"2026-10-{n:02}", (n, 31 - n)) for n in range(1, 32)]


def _inside(chart: Chart) -> bool:
    boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in chart.bars]
    points = [(x, y, x, y) for run in chart.runs for x, y in run.points]
    return all(
        0 <= left <= right <= WIDTH and 0 <= top <= bottom <= chart.height
        for left, top, right, bottom in (*boxes, *points)
    )


def test_a_bar_is_as_long_as_its_value() -> None:
    """And nought has none; each bar has its label above and its value behind it."""
    chart = bars([("a", (40,)), ("b", (20,)), ("c", (0,)), ("d", (None,))])
    longest = chart.bars[0].width
    assert [longest, longest / 2, 0, 0] == [bar.width for bar in chart.bars]
    assert ["a", "40", "b", "20", "c", "0", "d", "0"] == [label.text for label in chart.labels]
    assert sorted(bar.y for bar in chart.bars) == [bar.y for bar in chart.bars]
    assert _inside(chart)


def test_a_long_label_is_cut_and_says_so() -> None:
    """At the width of a phone it would stand outside; the table beside it has the whole."""
    (label, _) = bars([("x" * 80, (1,))]).labels
    assert ("…", True) == (label.text[-1], len(label.text) <= 48)


def test_columns_stand_on_each_other() -> None:
    """The first series is hatched and stands on the ground, the second on it; together they are the sum."""
    chart = columns([("a", (10, 30)), ("b", (0, 40))])
    first, second, third = chart.bars
    assert (True, False, False) == (first.hatched, second.hatched, third.hatched)
    assert first.height * 3 == pytest.approx(second.height)
    assert first.height + second.height == pytest.approx(third.height)
    assert second.y + second.height == pytest.approx(first.y)
    assert first.y + first.height == chart.rules[-1] == third.y + third.height
    assert _inside(chart)
    assert third.x >= first.x + first.width


def test_many_columns_have_few_labels() -> None:
    """So that none touches the next."""
    chart = columns(MANY)
    below = [label for label in chart.labels if label.anchor == "middle"]
    assert len(below) <= 5
    apart = [right.x - left.x for left, right in pairwise(below)]
    assert min(apart) > 45
    assert _inside(chart)


def test_a_line_is_interrupted_where_nothing_was_counted() -> None:
    """It does not claim a value between two that are known; a single point is drawn, too."""
    chart = lines([("a", (1, 8)), ("b", (None, 4)), ("c", (3, None)), ("d", (4, None))])
    assert [(0, 1), (0, 2), (1, 2)] == [(run.series, len(run.points)) for run in chart.runs]
    high, low = chart.runs[2].points
    ground = chart.rules[-1]
    assert ground - high[1] == pytest.approx(2 * (ground - low[1]))
    assert chart.runs[2].path == f"{high[0]:g},{high[1]:g} {low[0]:g},{low[1]:g}"
    assert _inside(chart)


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (21, 40), (41, 80), (99, 200), (700, 800), (801, 2000)],
)
def test_a_scale_ends_at_a_round_number(largest: int, top: int) -> None:
    """Never below what is drawn, and each of its steps is whole."""
    assert top == nice(largest)
    assert 0 == top % 4


def test_a_chart_of_nothing_is_drawn_without_a_fault() -> None:
    """A new log has no rows at all."""
    for draw in (bars, columns, lines):
        assert ((), ()) == (draw([]).bars, draw([]).runs)
        assert draw([]).height > 0
