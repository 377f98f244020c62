from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from portal.charts import Chart, Point, Series, drawing, palette, sparkline, store, trend
from portal.charts.findings import finding

TOKENS = Path("portal/static/portal/css/tokens.css")


def a_chart(title: str = "Create grew") -> Chart:
    points = [Point(x=date(2026, month, 1), y=month * 1000, note="=1+1" if month == 2 else "") for month in (1, 2, 3)]
    return trend(title=title, series=[Series(name="Recorded", kind="recorded", points=points)], unit="users")


def test_a_drawing_in_a_page_has_tokens_for_colours_and_no_inline_style() -> None:
    svg = drawing.for_page(drawing.svg(a_chart().spec))
    assert svg.startswith("<svg")
    assert "style=" not in svg
    assert "var(--chart-1)" in svg
    assert not re.search(r"#[0-9a-f]{6}", svg)
    assert "aria-roledescription" not in svg


def test_every_colour_of_the_palette_is_the_light_value_of_its_token() -> None:
    css = TOKENS.read_text(encoding="utf-8")
    for colour, token in palette.TOKENS.items():
        assert re.search(rf"{token}: light-dark\({colour},", css), f"{token} is not {colour} in {TOKENS}"


def test_what_only_a_pointer_uses_is_not_drawn() -> None:
    spec = a_chart().spec
    assert any(layer.get("name") == "hover" for layer in spec["layer"])
    assert not any(layer.get("name") == "hover" for layer in drawing.still(spec)["layer"])


def test_a_chart_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = a_chart("drawn once")
    first = store.drawn(chart)
    monkeypatch.setattr(drawing, "svg", lambda spec: pytest.fail("drawn a second time"))
    assert store.drawn(chart) == first
    assert store.find(chart.digest) == chart


def test_a_chart_that_cannot_be_drawn_leaves_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(spec: object) -> str:
        raise ValueError("no script engine")

    monkeypatch.setattr(drawing, "svg", broken)
    kept = store.drawn(a_chart("cannot be drawn"))
    assert kept.drawings == {}
    assert kept.chart.table.rows


@pytest.mark.parametrize(
    ("form", "kind", "start"),
    [
        ("svg", "image/svg+xml", b"<svg"),
        ("png", "image/png", b"\x89PNG"),
        ("csv", "text/csv; charset=utf-8", b"Month,Recorded,Remark\r\nJan 2026,1000,\r\nFeb 2026,2000,'=1+1\r\n"),
        ("json", "application/json", b'{"full":{'),
    ],
)
def test_a_chart_can_be_had_in_every_form(viewer_client: Client, form: str, kind: str, start: bytes) -> None:
    chart = a_chart()
    store.drawn(chart)
    answer = viewer_client.get(f"/charts/{chart.digest}.{form}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == kind
    assert answer.content.startswith(start)
    assert ("attachment" in answer.get("Content-Disposition", "")) is (form != "json")


def test_charts_are_for_those_who_are_signed_in(anonymous_client: Client) -> None:
    chart = a_chart()
    store.drawn(chart)
    assert anonymous_client.get(f"/charts/{chart.digest}.csv").status_code == 302


def test_a_chart_that_is_not_kept_says_where_to_find_it_again(viewer_client: Client) -> None:
    answer = viewer_client.get(f"/charts/{'0' * 32}.csv")
    assert answer.status_code == 404
    assert "Open the page that it stood on" in answer.content.decode()


def test_a_sparkline_keeps_its_gaps_and_opens_its_last_point() -> None:
    svg = sparkline(
        [
            Point(x=date(2026, 1, 1), y=1),
            Point(x=date(2026, 2, 1), y=None),
            Point(x=date(2026, 3, 1), y=3, unfinished=True),
        ]
    )
    assert svg.count("M") == 2
    assert 'fill="none" stroke="currentColor" stroke-width="1"' in svg
    assert "style" not in svg
    assert sparkline([]) == ""
    assert sparkline([None, None]) == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1000, 1031], "Create grew 3.1 % in Feb 2026"),
        ([1000, 900], "Create fell 10.0 % in Feb 2026"),
        ([5, 5], "Create stood still in Feb 2026"),
        ([0, 7], "Create rose from zero to 7 in Feb 2026"),
        ([None, 1200000], "Create: 1.2 M in Feb 2026"),
        ([None, None], "Create"),
    ],
)
def test_a_title_states_the_finding(values: list[int | None], said: str) -> None:
    points = [Point(x=date(2026, 1 + index, 1), y=value) for index, value in enumerate(values)]
    assert finding("Create", points) == said


def test_the_finding_leaves_the_unfinished_month_alone() -> None:
    points = [
        Point(x=date(2026, 1, 1), y=10),
        Point(x=date(2026, 2, 1), y=11),
        Point(x=date(2026, 3, 1), y=2, unfinished=True),
    ]
    assert finding("Create", points) == "Create grew 10.0 % in Feb 2026"
