"""How the portal writes numbers, days and changes in words; used by pages, charts, messages and e-mail alike."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DASH = "–"
MINUS = "−"


def number(value: Any, places: int | None = None) -> str:
    """Thousands separators, a real minus sign, no needless zeros; ``None`` is a dash, other things stay as they are."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return DASH
    if places is not None:
        text = f"{exact:,.{places}f}"
    else:
        text = f"{exact:,f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def compact(value: Any) -> str:
    """A number short enough for a chart's label: 1.8 M, 940 K, 312."""
    if value is None:
        return DASH
    exact = Decimal(str(value))
    for limit, mark in ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K")):
        if abs(exact) >= limit:
            scaled = exact / limit
            return f"{number(scaled.quantize(Decimal('0.1') if abs(scaled) < 100 else Decimal(1)))} {mark}"
    return number(exact)


def percent(value: Any, places: int = 1) -> str:
    """A share between 0 and 1 as per cent."""
    if value is None:
        return DASH
    return f"{number(Decimal(str(value)) * 100, places)} %"


def month(value: date | str | None) -> str:
    """Oct 2026, whatever the server's language; takes ``2026-10`` too, and leaves other words as they are."""
    if value is None or value == "":
        return DASH
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])(?:-\d\d)?", value)
        return f"{MONTHS[int(found[2]) - 1]} {found[1]}" if found else value
    return f"{MONTHS[value.month - 1]} {value.year}"


def day(value: date | None) -> str:
    """20 Nov 2026."""
    return DASH if value is None else f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def change(now: Any, before: Any) -> tuple[str, str]:
    """The change in per cent with its sign, and its direction (up, down, none); empty where nothing can be said."""
    if now in (None, "") or before in (None, ""):
        # A template writes what is missing as an empty text.
        return "", "none"
    new, old = Decimal(str(now)), Decimal(str(before))
    if new == old:
        return "± 0 %", "none"
    mark, direction = ("▲", "up") if new > old else ("▼", "down")
    if old == 0:
        return f"{mark} from 0", direction
    share = abs(new - old) / abs(old) * 100
    return f"{mark} {number(share, 0 if share >= 100 else 1)} %", direction


def size(value: Any) -> str:
    """A number of bytes: 512 bytes, 76 KB, 1.3 MB."""
    if value is None:
        return DASH
    left = float(value)
    if left < 1000:
        return f"{int(left)} bytes"
    marks = ["KB", "MB", "GB", "TB"]
    left /= 1000
    while left >= 1000 and len(marks) > 1:
        left /= 1000
        marks.pop(0)
    return f"{left:.0f} {marks[0]}" if left >= 10 else f"{left:.1f} {marks[0]}"


def duration(value: Any) -> str:
    """A length of time by its two largest parts: 45 s, 3 min 20 s, 2 h 5 min, 4 days."""
    if value is None:
        return DASH
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if 0 < seconds < 1:
        return "under 1 s"
    left = round(seconds)
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min {left % 60} s" if left % 60 else f"{left // 60} min"
    if left < 86400:
        rest = left % 3600 // 60
        return f"{left // 3600} h {rest} min" if rest else f"{left // 3600} h"
    days = left // 86400
    return f"{days} day" if days == 1 else f"{number(days)} days"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, by the largest part; a moment to come is said as such."""
    seconds = (now - moment).total_seconds()
    if -5 < seconds < 5:
        return "just now"
    form = "in {}" if seconds < 0 else "{} ago"
    left = abs(seconds)
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if left < limit:
            return form.format(f"{int(left // unit)} {name}")
    days = int(left // 86400)
    if days < 60:
        return form.format("1 day" if days == 1 else f"{days} days")
    return form.format(f"{days // 30} months" if days < 730 else f"{days // 365} years")
