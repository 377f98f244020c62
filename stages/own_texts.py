"""Writing what the page says outside its stages: the helpful places to start, and its own texts.

Both are rows with a version. A change names the version that it was made from: what somebody else changed since is
kept, and where both changed the same, ``StaleOwnText`` holds what stands now. Taking away, undoing and restoring read
the rows that the triggers wrote, so nothing is ever lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db import transaction
from django.db.models import Max

from portal.history import because
from stages.handbook.parsing import Start, Text, parse_page
from stages.handbook.parsing.lines import Line
from stages.handbook.parsing.page import read_starts
from stages.handbook.rendering import WrittenPage, WrittenStage, render_page
from stages.history.events import events_of
from stages.links import refusal
from stages.models import ImportRun, PageText, Section, StartingPoint
from stages.validation import LONGEST_TEXT, one_line

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from portal.models import User

LONGEST = 5000
LONGEST_HEADING = 300
OwnText = StartingPoint | PageText
Row = TypeVar("Row", StartingPoint, PageText)
FIELDS: dict[type[OwnText], tuple[str, ...]] = {StartingPoint: ("text",), PageText: ("heading", "body")}
KEPT: dict[type[OwnText], tuple[str, ...]] = {
    StartingPoint: ("order", "label", "url", "text"),
    PageText: ("order", "place", "section_id", "depth", "heading", "body"),
}
"""What a row is brought back with."""


class OwnTextRefused(Exception):
    """A text that must not be saved, with the sentence that says why and the field that it is about."""

    def __init__(self, sentence: str, field: str = "") -> None:
        self.field = field
        super().__init__(sentence)


class StaleOwnText(Exception):
    """Somebody changed the same since the caller read it. ``row`` is what stands now; none where it was taken away."""

    def __init__(self, row: OwnText | None) -> None:
        self.row = row
        super().__init__("Somebody changed or removed it meanwhile.")


class Held(Generic[Row]):
    """All rows of a kind as they stand, kept from others until the end of the transaction.

    Whoever writes many of them holds them, so that none is asked for singly.
    """

    def __init__(self, model: type[Row]) -> None:
        self.rows: dict[int, Row] = {row.pk: row for row in _rows_to_lock(model).order_by("order", "pk")}
        self.last = max((row.order for row in self.rows.values()), default=0)

    @cached_property
    def sections(self) -> dict[str, Section]:
        """The sections by key, in which texts may stand."""
        return {section.key: section for section in Section.objects.all()}

    def take(self, row: Row) -> None:
        """Hold a new one as well."""
        self.rows[row.pk] = row
        self.last = row.order


def as_typed(row: OwnText | None) -> dict[str, str]:
    """What the form of a text holds where nobody typed anything else."""
    return {name: getattr(row, name) for name in FIELDS[type(row)]} if row is not None else {}


def where(place: str, section: Section | None) -> str:
    """A place in one word, as addresses and drafts of new texts have it."""
    return f"{place}:{section.key}" if section else place


def write_start(
    *,
    pk: int | None,
    text: str,
    version: int | None,
    actor: User | None,
    reason: str = "",
    held: Held[StartingPoint] | None = None,
) -> StartingPoint:
    """Write a place to start, a new one at the end. The link that leads the line is read from it."""
    text = one_line(text)
    if not text or len(text) > LONGEST or "\x00" in text:
        raise OwnTextRefused(f"Give a line of at most {LONGEST:,} characters." if text else "Give a line of text.")
    if why := refusal(_start_of(text).url):
        raise OwnTextRefused(why)
    with transaction.atomic(savepoint=held is None), because(reason or "Places to start", actor=actor):
        if pk is None:
            start, order = _start_of(text), _following(StartingPoint, held)
            row = StartingPoint.objects.create(order=order, text=text, label=start.label[:1000], url=start.url)
            if held is not None:
                held.take(row)
            return row
        row = _locked(StartingPoint, pk, held)
        _write(row, _merged(row, {"text": text}, version))
        return row


def write_text(
    *,
    pk: int | None,
    heading: str,
    body: str,
    version: int | None,
    actor: User | None,
    place: str = "",
    section: Section | None = None,
    reason: str = "",
    held: Held[PageText] | None = None,
) -> PageText:
    """Write a text of the page; a new one comes last at its ``place``, and where it stands stays."""
    heading, body = one_line(heading), body.replace("\r\n", "\n").strip("\n").rstrip()
    if "\x00" in heading + body:
        raise OwnTextRefused("The text holds a NUL character, which cannot be stored.", "body")
    if len(heading) > LONGEST_HEADING:
        raise OwnTextRefused(
            f"The heading is {len(heading)} characters long; at most {LONGEST_HEADING} fit.", "heading"
        )
    if len(body) > LONGEST_TEXT:
        raise OwnTextRefused(f"The text is {len(body):,} characters long; at most {LONGEST_TEXT:,} fit.", "body")
    with transaction.atomic(savepoint=held is None), because(reason or "Text of the page", actor=actor):
        if pk is None:
            row = _new_text(place, section, held)
            row.heading, row.body = heading, body
            _must_be_itself(row)
            row.save()
            if held is not None:
                held.take(row)
            return row
        row = _locked(PageText, pk, held)
        merged = _merged(row, {"heading": heading, "body": body}, version)
        if merged != as_typed(row):
            _must_be_itself(row, **merged)
            _write(row, merged)
        return row


def take_away(*, model: type[OwnText], pk: int, version: int, actor: User | None) -> None:
    """Take one away; the history keeps it."""
    with transaction.atomic(), because("Taken away", actor=actor):
        row: OwnText | None = model._default_manager.select_for_update().filter(pk=pk).first()
        _must_not_be_the_title(row)
        if row is None or row.version != version:
            raise StaleOwnText(row)
        row.delete()


def move(*, model: type[OwnText], pk: int, up: bool, actor: User | None) -> bool:
    """Change places with the one before or after it at the same place; whether there was one."""
    with transaction.atomic(), because("The order", actor=actor):
        every: list[Any] = list(model._default_manager.select_for_update().order_by("order", "pk"))
        found = next((row for row in every if row.pk == pk), None)
        if found is None:
            return False
        rows = [row for row in every if _stands_with(row, found)]
        at = rows.index(found)
        other = at - 1 if up else at + 1
        if not 0 <= other < len(rows):
            return False
        mine, theirs = every.index(rows[at]), every.index(rows[other])
        every[mine], every[theirs] = every[theirs], every[mine]
        for number, row in enumerate(every, start=1):
            if row.order != number:
                row.order = number
                row.save(update_fields=["order"])
    return True


def undo(*, model: type[OwnText], pk: int, version: int, actor: User | None) -> OwnText | None:
    """Take back the change that made this version, as long as nobody changed it after: the row, or none by now."""
    with transaction.atomic(), because("Undone", actor=actor):
        events = events_of(model).filter(pgh_obj_id=pk).order_by("-pgh_id")
        row = model._default_manager.select_for_update().filter(pk=pk).first()
        last = events.first()
        if last is None or last.version != version or (row is None) != (last.pgh_label == "delete"):
            raise StaleOwnText(row)
        if row is None:
            return _bring_back(model, last)
        before = events.filter(version__lt=version).first()
        if before is None or before.pgh_label == "delete":
            _must_not_be_the_title(row)
            row.version += 1
            row.save(update_fields=["version"])
            row.delete()
            return None
        _write(row, {name: getattr(before, name) for name in FIELDS[model]})
        return row


def last_of(model: type[OwnText], pk: int) -> Any:
    """What the history says last of a text, also of one that was taken away; ``None`` where there was none."""
    return events_of(model).filter(pgh_obj_id=pk).order_by("-pgh_id").first()


def restore(*, model: type[OwnText], event: int, actor: User | None) -> OwnText | None:
    """Bring back what an entry of the history says; what is there now stays in the history. None: no such entry."""
    with transaction.atomic():
        then = events_of(model).filter(pgh_id=event).first()
        if then is None:
            return None
        with because(f"Restored version {then.version}", actor=actor):
            row = model._default_manager.select_for_update().filter(pk=then.pgh_obj_id).first()
            if row is None:
                return _bring_back(model, then)
            _write(row, {name: getattr(then, name) for name in FIELDS[model]})
            return row


def _start_of(text: str) -> Start:
    """A line as a page would have it, with the link that leads it."""
    read = read_starts([Line(1, f"* {text}")])
    return read[0] if read else Start(text=text)


def _must_not_be_the_title(row: OwnText | None) -> None:
    """Refuse to take the title of the page away."""
    if isinstance(row, PageText) and row.place == PageText.Place.FRONT:
        raise OwnTextRefused("The page keeps its title.")


def _rows_to_lock(model: type[Row]) -> QuerySet[Row]:
    rows = model._default_manager.select_for_update(of=("self",))
    return rows.select_related("section") if model is PageText else rows


def _locked(model: type[Row], pk: int, held: Held[Row] | None = None) -> Row:
    row = _rows_to_lock(model).filter(pk=pk).first() if held is None else held.rows.get(pk)
    if row is None:
        raise StaleOwnText(None)
    return row


def _following(model: type[Row], held: Held[Row] | None) -> int:
    """The place in the order that comes last."""
    last = model._default_manager.aggregate(last=Max("order"))["last"] if held is None else held.last
    return 1 + (last or 0)


def _merged(row: OwnText, values: Mapping[str, str], version: int | None) -> Mapping[str, str]:
    """What the caller changed since the version that they read; refused where somebody changed the same otherwise."""
    if version is None or version == row.version:
        return values
    base = events_of(type(row)).filter(pgh_obj_id=row.pk, version=version).order_by("-pgh_id").first()
    if base is None:
        raise StaleOwnText(row)
    mine = {name: value for name, value in values.items() if value != getattr(base, name)}
    if any(getattr(row, name) not in (getattr(base, name), value) for name, value in mine.items()):
        raise StaleOwnText(row)
    return {name: mine.get(name, getattr(row, name)) for name in values}


def _write(row: OwnText, values: Mapping[str, str]) -> None:
    """Put the values in, with what follows from them; the same values make no version."""
    if any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        if isinstance(row, StartingPoint):
            start = _start_of(row.text)
            row.label, row.url = start.label[:1000], start.url
        row.version += 1
        row.save()


def _bring_back(model: type[OwnText], then: Any) -> OwnText:
    """Make a row that was taken away anew, as it was; the same one, so that its history goes on."""
    last = events_of(model).filter(pgh_obj_id=then.pgh_obj_id).aggregate(last=Max("version"))["last"]
    row = model(pk=then.pgh_obj_id, version=last + 1, **{name: getattr(then, name) for name in KEPT[model]})
    if isinstance(row, PageText) and row.section_id and not Section.objects.filter(pk=row.section_id).exists():
        # Its section is gone: at the top it is seen, in no section nobody would find it.
        row.section, row.place, row.depth = None, PageText.Place.TOP, 2
    if isinstance(row, StartingPoint):
        row.imported = _imported_before(row)
    row.save(force_insert=True)
    return row


def _imported_before(row: StartingPoint) -> str:
    """The line of the last handbook page that a place to start was read from; empty where it was made here."""
    run = ImportRun.objects.filter(kind="handbook", report__has_key="read").first()
    for text in run.report["read"]["starts"] if run else ():
        if text.split() == row.text.split() or (row.url and _start_of(one_line(text)).url == row.url):
            return str(text)
    return ""


def _new_text(place: str, section: Section | None, held: Held[PageText] | None) -> PageText:
    """A text that is to be made, last at its place."""
    must_have_place(place, section)
    depth = 4 if place == PageText.Place.SECTION else 2
    return PageText(place=place, section=section, order=_following(PageText, held), depth=depth)


def must_have_place(place: str, section: Section | None) -> None:
    """Refuse a place where no new text can stand."""
    if place not in PageText.Place.values or place == PageText.Place.FRONT:
        raise OwnTextRefused("Choose where the text stands.", "place")
    if (place == PageText.Place.SECTION) != (section is not None):
        raise OwnTextRefused("Choose the section that the text stands in.", "place")


def _stands_with(one: Any, other: Any) -> bool:
    """Whether two rows stand at the same place of the page, so that one may come before the other."""
    return not isinstance(one, PageText) or (one.place, one.section_id) == (other.place, other.section_id)


def _must_be_itself(row: PageText, heading: str | None = None, body: str | None = None) -> None:
    """Refuse what a handbook page would read as something else than this text: an export must import unchanged.

    It is asked of what the row says, or will.
    """
    heading, body = row.heading if heading is None else heading, row.body if body is None else body
    section = row.section.name if row.section else ""
    front = row.place == PageText.Place.FRONT
    if front and not heading:
        raise OwnTextRefused("The page needs a title.", "heading")
    if not heading and not body:
        raise OwnTextRefused("Give a heading or a text.", "body")
    text = Text(heading=heading, body=body, depth=row.depth, place=row.place, section=section)
    written = WrittenPage(
        title=heading if front else "A page", front=body if front else "", texts=() if front else [text],
        starts=[Start(text="A place to start")], stages=[WrittenStage(name="A", section=section, blocks=[])],
    )  # fmt: skip
    read = parse_page(render_page(written))
    kept = len(read.stages) == 1 and len(read.starting_points) == 1
    if front:
        if not kept or (read.title, read.front.split()) != (heading, body.split()):
            raise OwnTextRefused(
                "A page cannot begin with this: write a line like “layout: page” for each value.", "body"
            )
    elif not kept or [(one.heading, one.body.split()) for one in read.texts] != [(heading, body.split())]:
        if heading:
            raise OwnTextRefused(
                "Under this heading the handbook page would take the text for something else, such as a stage or the "
                "places to start. Choose other words.",
                "heading",
            )
        raise OwnTextRefused(
            "Give it a heading: without one the handbook page would take it for a part of what stands before it.",
            "heading",
        )
