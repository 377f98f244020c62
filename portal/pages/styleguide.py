"""Every component on one page, with the words and numbers that are hard on it: long, none, very large."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.charts import Bar, Chart, Point, Series, bars, sparkline, trend
from portal.charts.findings import finding
from portal.charts.scale import positions
from portal.icons import STROKES
from portal.permissions import requires
from portal.roles import Role
from portal.templatetags.portal_ui import BADGES

MONTHS = positions([date(2025, 10, 1), date(2026, 11, 1)])
GROWTH = (940, 985, 1030, 1068, 1110, None, 1221, 1282, 1343, 1390, 1451, 1509, 1588, 1612)
SQL = """SELECT date_trunc('month', recorded_at) AS month, sum(value) AS users
FROM readings
WHERE metric = 'counts.action_monthly_active_users_project_repo' -- the one metric of the stage
  AND value >= 0
GROUP BY 1 ORDER BY 1;"""


@requires(Role.ADMINISTRATOR)
def styleguide(request: HttpRequest) -> HttpResponse:
    """The design system at work."""
    if "message" in request.GET:
        messages.success(request, "Saved. This is how a message looks.")
    return render(
        request,
        "portal/styleguide.html",
        {
            "badges": sorted(BADGES),
            "icons": sorted(STROKES),
            "charts": sample_charts(),
            "now": datetime(2026, 11, 20, 9, 30, 12, tzinfo=UTC),
            "today": date(2026, 10, 1),
            "page": Paginator(range(10_000), 50).page(7),
            "sql_text": SQL,
            "line": sparkline(recorded()[-8:], label="Eight months, rising"),
            "markdown_text": "A paragraph with **strong** words, `code` and a [link](/docs/).\n\n- one\n- two\n",
            "rows": [
                ("Create", 2_466_667, 1_800_000, Decimal("0.031")),
                ("Software Supply Chain Security and a very long name that goes on", 12, None, None),
                ("Plan", 0, 0, Decimal(0)),
            ],
        },
    )


def recorded() -> list[Point]:
    """A series with a gap, a restatement and an unfinished month."""
    return [
        Point(
            x=month,
            y=None if value is None else value * 1_000,
            unfinished=month == MONTHS[-1],
            note="the metric failed on all installations" if value is None else "",
            restated_from=1_215_000 if month == MONTHS[9] else None,
        )
        for month, value in zip(MONTHS, GROWTH, strict=True)
    ]


def six_lines() -> list[Series]:
    """Stages that grow each in its own way."""
    names = ("Plan", "Create", "Verify", "Package", "Secure", "Deploy")
    return [
        Series(
            name=name,
            points=[
                Point(x=month, y=(7 + index * 13) ** 2 % 97 * 10 + at * 20 + index * 90)
                for at, month in enumerate(MONTHS)
            ],
        )
        for index, name in enumerate(names)
    ]


def sample_charts() -> list[Chart]:
    """The kinds of chart."""
    own = recorded()
    estimated = [
        Point(x=point.x, y=None if point.y is None else point.y * 137 // 100, unfinished=point.unfinished)
        for point in own
    ]
    coming = [
        Point(x=month, y=2_150_000 + 60_000 * step)
        for step, month in enumerate(positions([date(2026, 10, 1), date(2027, 2, 1)]))
    ]
    lines = six_lines()
    return [
        trend(
            title=finding("Create", estimated),
            unit="users in 28 days",
            series=[
                Series(name="Recorded", kind="recorded", points=own),
                Series(name="Estimated", kind="estimated", points=estimated),
                Series(name="Predicted", kind="predicted", points=coming),
            ],
            marked=MONTHS[11],
        ),
        trend(title="Four stages, labelled where they end", unit="users", series=lines[:4]),
        trend(title="Six stages, with a key", unit="users", series=lines),
        trend(
            title="Five years, of which any part can be shown",
            unit="users",
            series=[
                Series(
                    name="Recorded",
                    kind="recorded",
                    points=[
                        Point(x=month, y=40_000 + 2_400 * at + 900 * (at * 7 % 12))
                        for at, month in enumerate(positions([date(2021, 12, 1), date(2026, 11, 1)]))
                    ],
                )
            ],
        ),
        trend(title="One series alone", unit="pings", series=[Series(name="Pings", kind="recorded", points=own)]),
        bars(
            title="What is used most",
            unit="users",
            bars=[
                Bar(label="Merge requests", value=1_204_331),
                Bar(label="Web editor with a long name that does not fit into its place", value=310_220),
                Bar(label="Snippets", value=41_007),
                Bar(label="Wiki", value=None, note="not measurable on SaaS"),
                Bar(label="Design management", value=0),
            ],
        ),
        trend(title="Nothing reported yet", series=[Series(name="Recorded", kind="recorded", points=[])]),
    ]
