from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory

from portal.charts import Point, Series, trend
from portal.charts.values import WIDTHS
from portal.icons import STROKES, icon_svg


def drawn(source: str, **context: Any) -> str:
    return Template("{% load portal_ui %}" + source).render(Context(context)).strip()


def test_a_moment_has_its_exact_time_on_hover() -> None:
    html = drawn("{% when at %}", at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    assert ">20 Nov 2026</time>" in html
    assert 'title="2026-11-20 09:30:00 UTC"' in html
    assert drawn("{% when at %}", at=None) == "–"
    assert "20 Nov 2026" in drawn("{% when at %}", at=date(2026, 11, 20))


def test_months_and_numbers_are_written_the_same_everywhere() -> None:
    assert drawn(
        "{% month m %}|{{ m|month }}|{{ n|number }}|{{ none|number }}", m=date(2026, 10, 1), n=1234567, none=None
    ) == ("Oct 2026|Oct 2026|1,234,567|–")


def test_a_badge_of_an_unknown_kind_is_neutral_and_its_text_is_escaped() -> None:
    assert drawn("{% badge text kind %}", text="<b>", kind="x") == '<span class="badge badge-neutral">&lt;b&gt;</span>'
    assert "badge-recorded" in drawn('{% badge "recorded" "recorded" %}')


def test_a_change_in_an_unfinished_month_is_grey() -> None:
    assert "change-up" in drawn("{% change 3 2 %}")
    assert "change-unfinished" in drawn("{% change 3 2 True %}")
    assert drawn("{% change 3 none %}", none=None) == ""


def test_coverage_is_a_bar_with_words() -> None:
    html = drawn("{% coverage_bar 1204 1530 %}")
    assert "1,204 of 1,530 reporting" in html
    assert 'max="1530" value="1204"' in html
    assert "style" not in html
    assert "coverage unknown" in drawn("{% coverage_bar none 0 %}", none=None)


def test_query_strings_change_one_parameter_and_keep_the_rest() -> None:
    request = RequestFactory().get("/x/?a=1&b=2&b=3")
    assert drawn("{% query_string a=5 %}", request=request) == "?a=5&amp;b=2&amp;b=3"
    assert drawn("{% query_string b=None %}", request=request) == "?a=1"
    assert drawn("{% query_string a=None b=None %}", request=request) == "?"


def test_pages_of_a_list_keep_the_filters() -> None:
    request = RequestFactory().get("/x/?q=a&page=2")
    html = drawn("{% pagination page %}", request=request, page=Paginator(range(100), 10).page(2))
    assert 'href="?q=a&amp;page=3" rel="next"' in html
    assert '<span aria-current="page">2</span>' in html
    assert drawn("{% pagination page %}", request=request, page=Paginator(range(5), 10).page(1)) == ""


def test_a_chart_comes_with_its_table_downloads_and_notes() -> None:
    points = [
        Point(x=date(2026, 1, 1), y=1000),
        Point(x=date(2026, 2, 1), y=None, note="outage"),
        Point(x=date(2026, 3, 1), y=3000),
    ]
    chart = trend(title="Create <grew>", series=[Series(name="Recorded", kind="recorded", points=points)], unit="users")
    html = drawn("{% chart chart %}", chart=chart)
    assert html.count("<svg xmlns") == len(WIDTHS), "a drawing for each width of column"
    assert "Create &lt;grew&gt;" in html
    assert f"/charts/{chart.digest}.png" in html
    assert '<td class="num">1,000</td>' in html
    assert "Feb 2026: no figure, outage." in html
    assert "style=" not in html


def test_a_chart_without_values_says_so_and_no_chart_is_nothing() -> None:
    assert "There is no figure to draw yet" in drawn("{% chart chart %}", chart=trend(title="t", series=[]))
    assert drawn("{% chart chart %}", chart=None) == ""


def test_an_unknown_icon_is_a_mistake_that_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="search"):
        icon_svg("no-such-icon")
    assert all("aria-hidden" in icon_svg(name) for name in STROKES)


def test_a_ring_says_its_share() -> None:
    assert 'aria-label="75 % complete"' in drawn("{% ring 3 4 %}")
    assert ">0%<" in drawn("{% ring 0 0 %}")


def test_a_name_breaks_behind_its_marks_and_stays_escaped() -> None:
    html = drawn("{{ name|breakable }}", name="git-lab.example.com:80//a?b&c=<d>")
    assert html == "git-<wbr>lab.<wbr>example.<wbr>com:<wbr>80//<wbr>a?<wbr>b&amp;<wbr>c=<wbr>&lt;d&gt;"
    assert drawn("{{ name|breakable }}", name=None) == ""
