"""The design system's tags and filters: how a number, a month, a moment, a state, a chart is written everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.core.paginator import Page
from django.http import QueryDict
from django.template.context import Context
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from portal import words
from portal.charts import Chart, store
from portal.charts.key import key_svg
from portal.highlight import highlight
from portal.icons import icon_svg
from portal.markdown import render_markdown
from portal.saying import Said, said_by

register = template.Library()

BADGES = frozenset({"neutral", "info", "ok", "warning", "danger", "recorded", "estimated", "predicted"})


BREAKS = re.compile(r"(?<=[./_@:?&=-])(?=[^./_@:?&=-])")


@register.filter(name="number")
def number(value: Any, places: int | None = None) -> str:
    """A number with thousands separators; ``None`` is a dash. ``{{ value|number:1 }}`` fixes the decimals."""
    return words.number(value, places)


@register.filter(name="percent")
def percent(value: Any, places: int = 1) -> str:
    """A share between 0 and 1 as per cent; ``None`` is a dash."""
    return words.percent(value, places)


@register.filter(name="bytes")
def size(value: Any) -> str:
    """A number of bytes in words: 76 KB."""
    return words.size(value)


@register.filter(name="duration")
def duration(value: Any) -> str:
    """A length of time in words: 3 min 20 s."""
    return words.duration(value)


@register.filter(name="breakable")
def breakable(text: Any) -> SafeString:
    """A host name, address or uuid that may go on in the next line behind a dot, hyphen or other mark, not in a word.

    Give what holds it the class ``break-at``: only a piece that is too long for the line is broken elsewhere.
    """
    pieces = BREAKS.split("" if text is None else str(text))
    return mark_safe("<wbr>".join(escape(piece) for piece in pieces))


@register.filter(name="said")
def said(message: Message) -> Said:
    """A message with what is offered beside it, such as Undo."""
    return said_by(message)


@register.filter(name="at")
def at(things: Mapping[str, Any] | None, key: str) -> Any:
    """What a mapping has at a key that another variable holds; nothing where there is none."""
    return (things or {}).get(key)


@register.simple_tag(name="month")
def month(value: date | str | None) -> str:
    """A month as ``Oct 2026``."""
    return words.month(value)


@register.filter(name="month")
def month_filter(value: date | str | None) -> str:
    """A month as ``Oct 2026``, as a filter."""
    return words.month(value)


@register.simple_tag(name="when")
def when(value: datetime | date | None, empty: str = "–") -> str:
    """A day as ``20 Nov 2026`` with the exact moment in UTC on hover and for machines."""
    if value is None:
        return empty
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), words.day(value))
    moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, words.day(moment))


@register.simple_tag(name="ago")
def ago(value: datetime | None, empty: str = "never") -> str:
    """How long ago in words, with the exact moment in UTC on hover."""
    if value is None:
        return empty
    moment = value.astimezone(UTC)
    exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    said = words.ago(moment, datetime.now(UTC))
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, said)


@register.simple_tag(name="badge")
def badge(text: Any, kind: str = "neutral", title: str = "") -> str:
    """A small label; ``kind`` is one of neutral, info, ok, warning, danger, recorded, estimated, predicted."""
    kind = kind if kind in BADGES else "neutral"
    if title:
        return format_html('<span class="badge badge-{}" title="{}">{}</span>', kind, title, text)
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


@register.simple_tag(name="icon")
def icon(name: str, size: int = 16) -> SafeString:
    """An icon by name (portal/icons.py), hidden from screen readers."""
    return mark_safe(icon_svg(name, size))


@register.inclusion_tag("portal/tags/chart.html", name="chart", takes_context=True)
def chart(context: Context, value: Chart | None) -> dict[str, Any]:
    """A chart: drawing, table twin and downloads."""
    if value is None:
        return {}
    kept = store.drawn(value)
    marks = [(entry, mark_safe(key_svg(entry))) for entry in value.key]
    return {
        "chart": value,
        "digest": value.digest if kept.drawings else "",
        "drawings": [(name, mark_safe(drawing)) for name, drawing in kept.drawings.items()],
        "marks": marks,
    }


@register.inclusion_tag("portal/tags/pagination.html", name="pagination", takes_context=True)
def pagination(context: Context, page_obj: Page[Any], parameter: str = "page") -> dict[str, Any]:
    """Links to the pages of a list; the other parameters of the address stay."""
    shown = page_obj.paginator.get_elided_page_range(page_obj.number, on_each_side=1, on_ends=1)
    return {
        "page": page_obj,
        "pages": [(label, _query(context, {parameter: label})) for label in shown],
        "previous": _query(context, {parameter: page_obj.number - 1}) if page_obj.has_previous() else "",
        "next": _query(context, {parameter: page_obj.number + 1}) if page_obj.has_next() else "",
        "ellipsis": page_obj.paginator.ELLIPSIS,
    }


@register.simple_tag(name="query_string", takes_context=True)
def query_string(context: Context, **changes: Any) -> str:
    """The address's parameters with some changed; ``None`` or empty takes one out. Starts with ``?``."""
    return _query(context, changes)


def _query(context: Context, changes: dict[str, Any]) -> str:
    request = context.get("request")
    query: QueryDict = request.GET.copy() if request is not None else QueryDict(mutable=True)
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        elif isinstance(value, (list, tuple)):
            query.setlist(key, [str(one) for one in value])
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.filter(name="markdown")
def markdown(text: str | None) -> SafeString:
    """Markdown as safe HTML inside ``<div class="prose">``; headings start at the third level."""
    return mark_safe(render_markdown(text or "", top=3).html)


@register.simple_tag(name="sql")
def sql(text: str) -> SafeString:
    """SQL with its words coloured and a copy button."""
    return code_block(text, "sql")


@register.simple_tag(name="code")
def code_block(text: Any, language: str = "") -> SafeString:
    """A block of code with its words coloured and a copy button."""
    return mark_safe(f'<div class="code-box"><pre class="code" data-copy>{highlight(str(text), language)}</pre></div>')


@register.simple_tag(name="coverage_bar")
def coverage_bar(reporting: int | None, known: int | None, word: str = "reporting") -> str:
    """How many of those known report (or what ``word`` says), as a small bar with the numbers in words."""
    if reporting is None or not known:
        return format_html('<span class="coverage">{}</span>', "coverage unknown")
    said = f"{words.number(reporting)} of {words.number(known)} {word}"
    return format_html(
        '<span class="coverage"><meter min="0" max="{}" value="{}" aria-label="Coverage"></meter>'
        "<span>{}</span></span>",
        known,
        min(reporting, known),
        said,
    )


@register.simple_tag(name="change")
def change(now: Decimal | int | float | None, before: Decimal | int | float | None, unfinished: bool = False) -> str:
    """The change against the month before, with its sign and per cent; grey while the month is unfinished."""
    said, direction = words.change(now, before)
    if not said:
        return ""
    kind = "unfinished" if unfinished else direction
    note = "the month is not finished" if unfinished else ""
    return format_html('<span class="change change-{}" title="{}">{}</span>', kind, note, said)


@register.simple_tag(name="ring")
def ring(done: int, total: int, label: str = "complete") -> SafeString:
    """A ring that shows how complete something is, with the share written inside."""
    share = min(max(done / total, 0.0), 1.0) if total else 0.0
    around = 2 * 3.141592653589793 * 18
    return mark_safe(
        f'<svg class="ring" viewBox="0 0 44 44" role="img" aria-label="{words.percent(share, 0)} '
        f'{template.defaultfilters.force_escape(label)}"><circle class="ring-track" cx="22" cy="22" r="18"/>'
        f'<circle class="ring-value" cx="22" cy="22" r="18" transform="rotate(-90 22 22)" '
        f'stroke-dasharray="{share * around:.1f} {around:.1f}"/>'
        f'<text class="ring-text" x="22" y="22.5">{share:.0%}</text></svg>'
    )


@register.filter(name="get")
def get(mapping: Any, key: Any) -> Any:
    """A value of a mapping by a key that is itself a variable."""
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.filter(name="is_text")
def is_text(value: Any) -> bool:
    """Whether a cell of a table holds words rather than a number."""
    return isinstance(value, str)


@register.filter(name="get_item")
def get_item(values: Any, index: int) -> Any:
    """An item of a sequence by a position that is itself a variable."""
    return values[index]


@register.filter(name="split_words")
def split_words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


@register.filter(name="any_failed")
def any_failed(results: Any) -> bool:
    """Whether one of the checks has failed."""
    return any(result.state.value == "failed" for result in results)
