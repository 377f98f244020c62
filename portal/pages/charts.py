"""A chart by its digest: as a picture, as numbers, and as data for the interactive version."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from portal.charts import Chart, drawing, store
from portal.permissions import requires
from portal.roles import Role

FORBIDDEN_FIRST = ("=", "+", "-", "@", "\t", "\r")


@require_safe
@requires(Role.VIEWER)
def chart(request: HttpRequest, digest: str, form: str) -> HttpResponse:
    """The chart in one of its forms. It is kept for a month after it was last drawn on a page."""
    found = store.find(digest)
    if found is None:
        raise Http404("This chart is not kept any more. Open the page that it stood on, and it is there again.")
    response = FORMS[form](found)
    if form != "json":
        name = slugify(found.title)[:80] or "chart"
        response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    # A digest names its content, so what it answers never changes.
    response["Cache-Control"] = "private, max-age=86400"
    return response


def as_svg(chart: Chart) -> HttpResponse:
    """The drawing in light colours."""
    return HttpResponse(drawing.svg(chart.spec), content_type="image/svg+xml")


def as_png(chart: Chart) -> HttpResponse:
    """The drawing as a picture on white, twice as fine as the page."""
    return HttpResponse(drawing.png(chart.spec), content_type="image/png")


def as_csv(chart: Chart) -> HttpResponse:
    """The table twin; a cell that a spreadsheet would run as a formula is made text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(chart.table.head)
    for row in chart.table.rows:
        writer.writerow(["" if cell is None else safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")


def as_json(chart: Chart) -> HttpResponse:
    """The specs of all widths, in the page's colours."""
    parts = (f'"{name}":{drawing.for_browser(spec)}' for name, spec in chart.specs.items())
    return HttpResponse(f"{{{','.join(parts)}}}", content_type="application/json")


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before what would be a formula."""
    return f"'{text}" if text.startswith(FORBIDDEN_FIRST) else text


FORMS: dict[str, Callable[[Chart], HttpResponse]] = {
    "svg": as_svg,
    "png": as_png,
    "csv": as_csv,
    "json": as_json,
}
