"""Brings what a handbook page says outside its stages into the catalog: starting points, and texts of the page.

Three ways, as with the blocks: an edit made here stays, and where the source changed the same text a dispute waits.
What was taken away here does not come back with an unchanged source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stages.content import Conflict, Difference
from stages.disputes import KINDS, dispute
from stages.handbook.parsing import Page, Start, Text
from stages.handbook.report import STARTS, TEXTS, Counts, HandbookReport, OwnTextChange
from stages.links import visible
from stages.models import ImportRun, PageText, Section, StartingPoint
from stages.names import folded
from stages.validation import one_line

WORDS = {"text": "the line", "heading": "the heading", "body": "the text"}


def read_here(page: Page) -> dict[str, list[str]]:
    """What an import keeps of a page, to know at the next one what was taken away here since."""
    return {"starts": [start.text for start in page.starting_points], "texts": [name_of(one) for one in texts_of(page)]}


def read_before(run: ImportRun) -> dict[str, list[str]]:
    """What the import before this run read."""
    earlier = ImportRun.objects.filter(kind="handbook", report__has_key="read").exclude(pk=run.pk).first()
    return {"starts": [], "texts": [], **(earlier.report["read"] if earlier else {})}


def import_own_texts(page: Page, report: HandbookReport, run: ImportRun) -> None:
    """Import the starting points and the texts of a page."""
    before = read_before(run)
    rows, met = list(StartingPoint.objects.select_for_update()), list[StartingPoint]()
    for order, start in enumerate(page.starting_points):
        _start(order, start, rows, met, before["starts"], report)
    _mark_gone([row for row in rows if row not in met and row.imported], report.starting_points, report, page)
    kept = PageText.objects.select_for_update(of=("self",)).select_related("section")
    texts, found = list(kept), list[PageText]()
    sections = {folded(one.name): one for one in Section.objects.all()}
    for order, text in enumerate(texts_of(page)):
        section = sections.get(folded(text.section)) if text.section else None
        _text(order, text, section, texts, found, before["texts"], report)
    _mark_gone([row for row in texts if row not in found and row.imported], report.page_texts, report, page)


def same(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but how they are laid out."""
    return one.split() == other.split()


def _start(
    order: int,
    start: Start,
    rows: Sequence[StartingPoint],
    met: list[StartingPoint],
    before: Iterable[str],
    report: HandbookReport,
) -> None:
    counts = report.starting_points
    free = [row for row in rows if row not in met]
    row = next((one for one in free if same(start.text, one.text) or same(start.text, one.imported)), None)
    if row is None and start.url:
        row = next((one for one in free if one.url == start.url), None)
    if row is not None:
        met.append(row)
        _follow(row, {"text": row.imported}, {"text": start.text}, counts, report)
        if not same(row.imported, start.text) or row.missing_from_source:
            row.imported, row.missing_from_source = start.text, False
            row.save()
            report.wrote = True
    elif any(same(start.text, text) for text in before):
        counts.unchanged += 1
    else:
        made = StartingPoint.objects.create(
            order=order, label=start.label, url=start.url, text=start.text, imported=start.text
        )
        report.texts.append(("start", made.pk, made.version, True))
        _tell(report, StartingPoint, start.label or start.text, [_added("the line", start.text)])
        counts.created += 1
        report.wrote = True


def _text(
    order: int,
    text: Text,
    section: Section | None,
    rows: Sequence[PageText],
    met: list[PageText],
    before: Iterable[str],
    report: HandbookReport,
) -> None:
    row = next((one for one in rows if one not in met and _is_it(one, text, section)), None)
    said = {"heading": text.heading, "body": text.body}
    if row is not None:
        met.append(row)
        was = row.imported or {}
        _follow(row, was, said, report.page_texts, report)
        if row.missing_from_source or not all(name in was and same(was[name], said[name]) for name in said):
            row.imported, row.missing_from_source = said, False
            row.save()
            report.wrote = True
    elif name_of(text) in before:
        report.page_texts.unchanged += 1
    else:
        made = PageText.objects.create(
            order=order, place=text.place, section=section, depth=text.depth, imported=said, **said
        )
        report.texts.append(("text", made.pk, made.version, True))
        told = [_added(WORDS[name], value) for name, value in said.items() if value]
        _tell(report, PageText, text.heading or text.body, told)
        report.page_texts.created += 1
        report.wrote = True


def _is_it(row: PageText, text: Text, section: Section | None) -> bool:
    """Whether a row is this text: by its heading, now or as last read; without one by its place."""
    if (row.place == "front") != (text.place == "front"):
        return False
    if row.place == "front":
        return True
    if text.heading:
        return folded(text.heading) in (folded(row.heading), folded((row.imported or {}).get("heading", "")))
    return not row.heading and row.place == text.place and row.section == section


def _follow(
    row: StartingPoint | PageText, base: dict[str, str], said: dict[str, str], counts: Counts, report: HandbookReport
) -> None:
    """Take each field that nobody edited here; what both sides changed waits for a decision."""
    taken: list[Difference] = []
    disputed: list[Conflict] = []
    title = str(row)
    for field, theirs in said.items():
        ours, was = getattr(row, field), base.get(field)
        if same(ours, theirs) or (was is not None and same(was, theirs)):
            continue
        if was is not None and same(ours, was):
            row.take(field, theirs)
            taken.append(Difference(what=WORDS[field], before=ours, after=theirs))
        else:
            dispute(row, field, kept=ours, source_says=theirs)
            disputed.append(Conflict(what=WORDS[field], base=was or "", ours=ours, theirs=theirs))
            report.disputes += 1
            report.wrote = True
    counts.updated += bool(taken)
    counts.unchanged += not taken
    if taken or disputed:
        _tell(report, type(row), title, taken, disputed)
    if taken:
        row.version += 1
        row.save()
        report.texts.append((KINDS[type(row)], row.pk, row.version, True))
        report.wrote = True


def _mark_gone(rows: Iterable[StartingPoint | PageText], counts: Counts, report: HandbookReport, page: Page) -> None:
    """Mark what the source has no more; a part of a page says nothing of what it lacks."""
    if page.partial:
        return
    for row in rows:
        counts.missing_from_source += 1
        if not row.missing_from_source:
            row.missing_from_source = True
            row.save()
            _tell(report, type(row), str(row), gone=True)
            report.wrote = True


def _added(what: str, text: str) -> Difference:
    return Difference(what=what, before="", after=text)


def _tell(
    report: HandbookReport,
    model: type[StartingPoint | PageText],
    title: str,
    told: Iterable[Difference] = (),
    disputed: Iterable[Conflict] = (),
    *,
    gone: bool = False,
) -> None:
    """Put to the report what is done to a text."""
    report.own_texts.append(
        OwnTextChange(
            where=STARTS if model is StartingPoint else TEXTS,
            title=visible(one_line(title)[:100]) or "Introduction",
            differences=tuple(told),
            conflicts=tuple(disputed),
            gone=gone,
        )
    )


def texts_of(page: Page) -> list[Text]:
    """The texts of a page, its front matter first; a section that has no stage is a heading like any other."""
    known = {folded(stage.section) for stage in page.stages}
    front = [Text(heading=page.title, body=page.front, place="front")] if page.title or page.front else []
    if page.partial:
        return []
    return [
        *front,
        *(
            Text(heading=f"{text.section} Section", body=text.body, depth=3, place="end")
            if text.section and folded(text.section) not in known and not text.heading
            else text
            for text in page.texts
        ),
    ]


def name_of(text: Text) -> str:
    """What a text is known by."""
    return folded(text.heading) or f"{text.place} {folded(text.section)}"
