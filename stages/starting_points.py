"""Writing the helpful places to start: one line of Markdown each, in an order that people choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from portal.history import because
from stages.handbook.parsing.lines import Line
from stages.handbook.parsing.page import read_starts
from stages.links import refusal
from stages.models import StartingPoint
from stages.validation import one_line

if TYPE_CHECKING:
    from portal.models import User

LONGEST = 5000


class StartRefused(Exception):
    """A line that must not be saved, with the sentence that says why."""


class StaleStart(Exception):
    """Somebody changed it since the caller read it."""


def write_start(*, pk: int | None, text: str, version: int | None, actor: User, reason: str = "") -> StartingPoint:
    """Write one, a new one at the end. The link that leads the line is read from it."""
    text = one_line(text)
    if not text or len(text) > LONGEST or "\x00" in text:
        raise StartRefused(f"Give a line of at most {LONGEST:,} characters." if text else "Give a line of text.")
    read = read_starts([Line(1, f"* {text}")])
    label, url = (read[0].label[:1000], read[0].url) if read else ("", "")
    if why := refusal(url):
        raise StartRefused(why)
    with transaction.atomic(), because(reason or "Places to start", actor=actor):
        if pk is None:
            last = StartingPoint.objects.aggregate(last=Max("order"))["last"] or 0
            return StartingPoint.objects.create(order=last + 1, text=text, label=label, url=url)
        row = _locked(pk, version)
        if (row.text, row.label, row.url) != (text, label, url):
            row.text, row.label, row.url = text, label, url
            row.version += 1
            row.save()
        return row


def take_start_away(*, pk: int, version: int, actor: User) -> None:
    """Take one away; the history keeps it."""
    with transaction.atomic(), because("Took a place to start away", actor=actor):
        _locked(pk, version).delete()


def move_start(*, pk: int, up: bool, actor: User) -> None:
    """Change places with the one before or after it."""
    with transaction.atomic(), because("The order of the places to start", actor=actor):
        rows = list(StartingPoint.objects.select_for_update().order_by("order", "pk"))
        at = next((number for number, row in enumerate(rows) if row.pk == pk), None)
        other = None if at is None else at - 1 if up else at + 1
        if at is None or other is None or not 0 <= other < len(rows):
            return
        rows[at], rows[other] = rows[other], rows[at]
        for number, row in enumerate(rows, start=1):
            if row.order != number:
                row.order = number
                row.save(update_fields=["order"])


def _locked(pk: int, version: int | None) -> StartingPoint:
    row = StartingPoint.objects.select_for_update().filter(pk=pk).first()
    if row is None or (version is not None and row.version != version):
        raise StaleStart("Somebody changed or removed it meanwhile.")
    return row
