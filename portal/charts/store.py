"""Drawings kept by the digest of their chart, on disk and bounded, so that every process draws each chart once."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.core.cache import caches

from portal.charts import drawing
from portal.charts.values import Chart

log = logging.getLogger(__name__)

KEPT_FOR = 30 * 24 * 3600
LAYOUT = 2
"""Grows when what is kept, or how it is drawn, changes its form; what older code has kept is then drawn anew."""


@dataclass(frozen=True)
class Kept:
    """A chart with its drawings as they stand in a page, by width; none where drawing failed or there is nothing."""

    chart: Chart
    drawings: dict[str, str]


def drawn(chart: Chart) -> Kept:
    """The drawings of a chart, from the cache or made now. One that cannot be drawn still has its table."""
    digest = chart.digest
    kept = _read(digest)
    if kept is not None:
        return kept
    if chart.empty:
        return Kept(chart, {})
    try:
        drawings = {width: drawing.for_page(drawing.svg(spec)) for width, spec in chart.specs.items()}
    except Exception:
        log.exception("The chart %r could not be drawn; its table is shown instead.", chart.title)
        return Kept(chart, {})
    kept = Kept(chart, drawings)
    caches["charts"].set(digest, kept, KEPT_FOR, version=LAYOUT)
    return kept


def find(digest: str) -> Chart | None:
    """The chart of a digest, as long as it is kept: for downloads and the interactive version."""
    kept = _read(digest)
    return None if kept is None else kept.chart


def _read(digest: str) -> Kept | None:
    kept = caches["charts"].get(digest, version=LAYOUT)
    return kept if isinstance(kept, Kept) else None
