from __future__ import annotations

import itertools
import json
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.charts import Chart, Point, Series, bars, trend
from portal.charts.scale import apart, axis_labels, positions, ticks
from portal.charts.values import Bar

MAY, JUNE, JULY, AUGUST = (date(2026, month, 1) for month in (5, 6, 7, 8))


def series(*values: int | None, kind: Any = "recorded", name: str = "Recorded", **last: Any) -> Series:
    """Months from May on; ``last`` describes the last of them."""
    points = [Point(x=date(2026, 5 + index, 1), y=value) for index, value in enumerate(values)]
    points[-1] = Point(x=points[-1].x, y=points[-1].y, **last)
    return Series(name=name, kind=kind, points=points)


def layers(chart: Chart, mark: str) -> list[Any]:
    return [layer for layer in chart.spec["layer"] if layer["mark"]["type"] == mark and layer.get("name") != "hover"]


def test_a_gap_is_a_gap_and_no_line_crosses_it() -> None:
    chart = trend(title="t", series=[series(1, None, 3, 4)])
    (line,) = layers(chart, "line")
    assert [row["m"] for row in line["data"]["values"]] == ["Jul 2026", "Aug 2026"]
    runs = {row["m"]: row["r"] for row in layers(chart, "area")[0]["data"]["values"]}
    assert runs["May 2026"] != runs["Jul 2026"]
    assert "Jun 2026" not in runs


def test_a_month_that_is_not_named_is_a_gap_too() -> None:
    chart = trend(title="t", series=[Series(name="a", points=[Point(x=MAY, y=1), Point(x=AUGUST, y=2)])])
    assert [row[0] for row in chart.table.rows] == ["May 2026", "Jun 2026", "Jul 2026", "Aug 2026"]
    assert chart.notes == ("Jun 2026 to Jul 2026: no figure.",)
    assert layers(chart, "line") == []


def test_a_gap_says_why_and_is_never_zero() -> None:
    points = [Point(x=MAY, y=1), Point(x=JUNE, y=None, note="the metric failed"), Point(x=JULY, y=2)]
    chart = trend(title="t", series=[Series(name="a", kind="recorded", points=points)])
    assert chart.notes == ("Jun 2026: no figure, the metric failed.",)
    assert chart.table.rows[1] == ("Jun 2026", None, "the metric failed")


def test_kinds_differ_by_line_style_and_not_by_colour() -> None:
    chart = trend(
        title="t",
        series=[series(1, 2), series(2, 3, kind="estimated", name="E"), series(3, 4, kind="predicted", name="P")],
    )
    marks = [layer["mark"] for layer in layers(chart, "line")]
    assert [mark.get("strokeDash") for mark in marks] == [None, [6, 4], [1.5, 3.5]]
    assert len({mark["color"] for mark in marks}) == 1


def test_the_uplift_is_a_band_from_recorded_to_estimated() -> None:
    chart = trend(title="t", series=[series(10, 20), series(15, 26, kind="estimated", name="E")])
    band, area = layers(chart, "area")
    assert [(row["y"], row["z"]) for row in band["data"]["values"]] == [(15, 10), (26, 20)]
    assert [(row["y"], row["z"]) for row in area["data"]["values"]] == [(10, 0), (20, 0)]


def test_an_unfinished_month_is_lighter_and_its_circle_is_open() -> None:
    chart = trend(title="t", series=[series(1, 2, 3, unfinished=True)])
    finished, unfinished = layers(chart, "line")
    assert [row["m"] for row in finished["data"]["values"]] == ["May 2026", "Jun 2026"]
    assert [row["m"] for row in unfinished["data"]["values"]] == ["Jun 2026", "Jul 2026"]
    assert unfinished["mark"]["opacity"] < finished["mark"]["opacity"]
    (circle,) = layers(chart, "point")
    assert circle["mark"]["fill"] != circle["mark"]["stroke"]
    assert chart.notes == ("○ Jul 2026 is not finished.",)


def test_a_restated_month_shows_both_values() -> None:
    chart = trend(title="t", series=[series(1, 200, restated_from=150)])
    (rule,) = layers(chart, "rule")
    assert [(row["y"], row["z"]) for row in rule["data"]["values"]] == [(150, 200)]
    assert chart.notes == ("◆ Recorded of Jun 2026 was restated from 150 to 200.",)


def test_the_month_that_the_page_is_about_is_coloured_and_the_note_says_so() -> None:
    chart = trend(title="t", series=[series(1, 2, 3)], marked=date(2026, 6, 1))
    assert chart.notes == ("The coloured band is Jun 2026, which this page shows.",)
    assert trend(title="t", series=[series(1, 2, 3)], marked=date(2020, 1, 1)).notes == ()


def test_up_to_four_series_are_labelled_where_they_end_and_more_have_a_key() -> None:
    few = trend(title="t", series=[series(1, index, kind="neutral", name=f"s{index}") for index in range(4)])
    many = trend(title="t", series=[series(1, index, kind="neutral", name=f"s{index}") for index in range(5)])
    assert len(layers(few, "text")) == 4
    assert layers(many, "text") == []
    assert [entry.name for entry in many.key] == ["s0", "s1", "s2", "s3", "s4"]
    assert few.direct
    assert not many.direct


def test_a_chart_without_a_value_says_so() -> None:
    assert trend(title="t", series=[]).empty
    assert trend(title="t", series=[series(None, None)]).empty
    assert not trend(title="t", series=[series(0)]).empty


def test_days_that_are_no_months_keep_their_own_places() -> None:
    points = [Point(x=date(2026, 5, 4), y=1), Point(x=date(2026, 5, 11), y=2)]
    chart = trend(title="t", series=[Series(name="a", points=points)])
    assert [row[0] for row in chart.table.rows] == ["4 May 2026", "11 May 2026"]
    assert chart.table.head[0] == "Day"


def test_the_same_input_gives_the_same_digest_and_another_value_another() -> None:
    one, same = (trend(title="t", series=[series(1, 2)]) for _ in range(2))
    assert one.digest == same.digest
    assert trend(title="t", series=[series(1, 3)]).digest != one.digest
    assert trend(title="u", series=[series(1, 2)]).digest != one.digest


def test_bars_without_a_figure_have_a_word_and_no_bar() -> None:
    chart = bars(title="t", bars=[Bar(label="a", value=3), Bar(label="b", value=None, note="not measurable")])
    drawn = next(layer for layer in chart.spec["layer"] if layer["mark"]["type"] == "bar")
    assert [row["k"] for row in drawn["data"]["values"]] == ["0"]
    assert chart.notes == ("b: not measurable",)
    assert chart.table.rows == (("a", 3, ""), ("b", None, "not measurable"))


figures = st.one_of(st.none(), st.integers(-(10**12), 10**12), st.decimals(-(10**6), 10**6, places=2))


@settings(deadline=None)
@given(st.lists(st.lists(figures, min_size=1, max_size=15), min_size=1, max_size=6))
def test_any_series_make_a_spec_that_is_plain_json(values: list[list[int | Decimal | None]]) -> None:
    months = positions([date(2025, 1, 1), date(2026, 3, 1)])
    chart = trend(
        title="t",
        series=[
            Series(
                name=f"s{index}", points=[Point(x=month, y=value) for month, value in zip(months, own, strict=False)]
            )
            for index, own in enumerate(values)
        ],
    )
    json.dumps(chart.specs)
    known = [float(value) for own in values for value in own if value is not None]
    if known:
        low, high = chart.spec["layer"][-2]["encoding"]["y"]["scale"]["domain"] if layers(chart, "point") else (0, 0)
        assert not layers(chart, "point") or (low <= min(known) and high >= max(known))


@settings(deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(0, 1e9), st.integers(2, 6))
def test_ticks_are_round_even_and_hold_the_values(low: float, width: float, count: int) -> None:
    marks = ticks(low, low + width, count=count)
    span = max(abs(low), width, 1)
    assert marks[0] <= low + span * 1e-6
    assert marks[-1] >= low + width - span * 1e-6
    assert 2 <= len(marks) <= count + 3


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), max_size=4))
def test_labels_are_moved_apart_in_the_same_order(wanted: list[float]) -> None:
    placed = apart(wanted, gap=10, low=0, high=100)
    ordered = sorted(placed)
    assert all(after - before >= 10 - 1e-6 for before, after in itertools.pairwise(ordered))
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    assert [placed[index] for index in order] == ordered


def test_the_year_stands_below_the_first_label_and_each_january() -> None:
    months = positions([date(2025, 11, 1), date(2026, 2, 1)])
    assert axis_labels(months, monthly=True, room=10) == {
        "Nov 2025": ["Nov", "2025"],
        "Dec 2025": "Dec",
        "Jan 2026": ["Jan", "2026"],
        "Feb 2026": "Feb",
    }
    assert list(axis_labels(months, monthly=True, room=2)) == ["Dec 2025", "Feb 2026"]


def over(count: int) -> Chart:
    """A chart of so many months."""
    places = positions([date(2021, 12, 1), date(2021 + count // 12, count % 12 or 12, 1)])[:count]
    return trend(title="t", series=[Series(name="a", points=[Point(x=place, y=1) for place in places])])


def test_of_a_long_time_a_part_can_be_shown_and_of_a_short_one_not() -> None:
    long, short = over(60), over(24)
    assert (long.stretch[0], long.stretch[-1], len(long.stretch)) == ("Dec 2021", "Nov 2026", 60)
    assert short.stretch == ()
    assert "usermeta" not in short.spec
    labels = long.spec["usermeta"]["labels"]
    assert tuple(labels) == long.stretch
    assert labels["Dec 2021"] == ["Dec", "2021"]
