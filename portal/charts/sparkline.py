"""A line as small as a word: hand-made SVG, so that a page with a hundred of them stays quick."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from portal.charts.values import Number, Point


def sparkline(points: Sequence[Point | Number | None], *, width: int = 96, height: int = 24, label: str = "") -> str:
    """The points as an SVG line from zero up; a gap stays a gap, the last point is marked, open when unfinished."""
    values = [point.y if isinstance(point, Point) else point for point in points]
    known = [float(value) for value in values if value is not None]
    if not known:
        return ""
    high, low = max(*known, 0.0), min(*known, 0.0)
    span = (high - low) or 1.0
    inner_width, inner_height = width - 6, height - 6
    step = inner_width / max(len(values) - 1, 1)
    places = [
        None if value is None else (3 + index * step, 3 + inner_height * (1 - (float(value) - low) / span))
        for index, value in enumerate(values)
    ]
    path, pen_down = [], False
    for place in places:
        if place is None:
            pen_down = False
            continue
        path.append(f"{'L' if pen_down else 'M'}{place[0]:.1f} {place[1]:.1f}")
        pen_down = True
    last = next(index for index in range(len(places) - 1, -1, -1) if places[index] is not None)
    end = places[last]
    assert end is not None  # noqa: S101  the index was chosen so
    final = points[last]
    unfinished = isinstance(final, Point) and final.unfinished
    fill = "none" if unfinished else "currentColor"
    name = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return (
        f'<svg class="sparkline" {name} width="{width}" height="{height}" viewBox="0 0 {width} {height}" fill="none">'
        f'<path d="{"".join(path)}" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" '
        f'stroke-linecap="round"/><circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="2" fill="{fill}" '
        f'stroke="currentColor" stroke-width="1"/></svg>'
    )
