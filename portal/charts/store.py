"""Drawings kept by the digest of their chart, on disk and bounded, so that every process draws each chart once."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.core.cache import caches

from portal.charts import drawing
from portal.charts.values import Chart

log = logging.getLogger(__name__)

KEPT_FOR = 30 * 24 * 3600


@dataclass(frozen=True)
class Kept:
    """A chart with its two drawings as they stand in a page; empty where drawing failed or there is nothing."""

    chart: Chart
    wide: str
    narrow: str


def drawn(chart: Chart) -> Kept:
    """The drawings of a chart, from the cache or made now. One that cannot be drawn still has its table."""
    digest = chart.digest
    kept = _read(digest)
    if kept is not None:
        return kept
    if chart.empty:
        return Kept(chart, "", "")
    try:
        kept = Kept(chart, drawing.for_page(drawing.svg(chart.spec)), drawing.for_page(drawing.svg(chart.narrow)))
    except Exception:
        log.exception("The chart %r could not be drawn; its table is shown instead.", chart.title)
        return Kept(chart, "", "")
    caches["charts"].set(digest, kept, KEPT_FOR)
    return kept


def find(digest: str) -> Chart | None:
    """The chart of a digest, as long as it is kept: for downloads and the interactive version."""
    kept = _read(digest)
    return None if kept is None else kept.chart


def _read(digest: str) -> Kept | None:
    # A value written by another version of this code may not be readable any more; it is drawn anew.
    try:
        kept = caches["charts"].get(digest)
    except (AttributeError, ImportError, TypeError, EOFError):
        return None
    return kept if isinstance(kept, Kept) else None
