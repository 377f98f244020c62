"""Brings a parsed handbook page into the catalog: three ways, so that edits made in the portal stay.

Base is what the last import read, ours is what the portal has, theirs is the page. Where both changed the same thing
the portal's text stands and a conflict waits for a decision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from portal.history import because
from stages import following
from stages.conflicts import in_dispute, mark_placements, note_conflict
from stages.content import BlockContent, differences, from_json, merge, pairs, to_json
from stages.editing import content_of, ensure_block, find_block, save_block
from stages.handbook.own_texts import import_own_texts, read_here
from stages.handbook.parsing import Page, ParsedBlock, ParsedStage
from stages.handbook.reading import HandbookError
from stages.handbook.report import BlockChange, Counts, HandbookReport
from stages.locks import one_import_at_a_time
from stages.models import (
    Block,
    BlockKind,
    FieldConflict,
    FormerKey,
    ImportConflict,
    ImportPreview,
    ImportRun,
    Section,
    Stage,
)
from stages.names import folded, key_of
from stages.restructuring.common import RESERVED
from stages.settling import disagreements

if TYPE_CHECKING:
    from portal.models import User

PREVIEW_KEPT = timedelta(days=1)


def import_page(
    *, page: Page, source: str, digest: str, actor: User | None = None, by: str = "", dry_run: bool = False
) -> HandbookReport:
    """Import a page, all of it or nothing. ``dry_run`` does the same and takes it back.

    ``by`` says what runs it where no person does.
    """
    report = HandbookReport()
    with transaction.atomic():
        one_import_at_a_time()
        run = ImportRun(kind="handbook", source=source[:1000], digest=digest, actor=actor, by=by)
        run.save()
        why = f"Imported from {source}"[:1000]
        with because(why, actor=actor, verb="import_handbook", run=run.pk, by=by):
            stages = _stages_of(page, report)
            for parsed, stage in stages:
                counts = report.stages.setdefault(parsed.name, Counts())
                with following.as_one(actor, f"brought in what the handbook page says of {stage.name}"):
                    _import_stage(parsed, stage, counts, report, run, actor)
            if not page.partial:
                _mark_absent_stages([stage for _, stage in stages], report)
            import_own_texts(page, report, run)
        if dry_run:
            transaction.set_rollback(True)
        elif report.wrote:
            run.report = {
                **report.as_json(), "read": read_here(page), "wrote": report.versions, "wrote_texts": report.texts
            }  # fmt: skip
            FieldConflict.objects.filter(run=None, state="open", kind__in=("start", "text")).update(run=run)
            run.save()
        else:
            run.delete()
    return report


def forget_previews() -> int:
    """Delete what somebody was shown more than a day ago and did not import; how many there were."""
    gone, _ = ImportPreview.objects.filter(at__lt=timezone.now() - PREVIEW_KEPT).delete()
    return gone


def digest_of(text: str) -> str:
    """The digest by which a source is known again."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stages_of(page: Page, report: HandbookReport) -> list[tuple[ParsedStage, Stage]]:
    rows = list(Stage.objects.select_related("section"))
    by_name = {folded(stage.key): stage for stage in rows}
    by_name |= {folded(stage.name): stage for stage in sorted(rows, key=lambda one: one.retired_on is None)}
    by_key = {stage.key: stage for stage in rows}
    for former in FormerKey.objects.filter(kind="stage"):
        if former.target_key in by_key:
            by_name.setdefault(folded(former.key), by_key[former.target_key])
    sections = {folded(section.name): section for section in Section.objects.all()}
    found: list[tuple[ParsedStage, Stage]] = []
    parts: dict[int, ParsedStage] = {}
    for parsed in page.stages:
        stage = by_name.get(folded(parsed.name))
        if stage is None:
            stage = _new_stage(parsed, sections, set(by_key))
            by_name[folded(parsed.name)] = by_key[stage.key] = stage
            report.new_stages.append(parsed.name)
            report.wrote = True
        twin = parts.setdefault(stage.pk, parsed)
        if twin is not parsed:
            raise HandbookError(
                f"line {parsed.line}: {parsed.name} and {twin.name} (line {twin.line}) are one stage here, "
                f"{stage.name}; put them together."
            )
        found.append((parsed, stage))
    return found


def _new_stage(parsed: ParsedStage, sections: dict[str, Section], taken: set[str]) -> Stage:
    section = sections.get(folded(parsed.section)) if parsed.section else None
    if section is None and parsed.section:
        key = _free(key_of(parsed.section)[:90], set(Section.objects.values_list("key", flat=True)))
        order = 1 + (Section.objects.aggregate(last=Max("order"))["last"] or 0)
        section = Section.objects.create(key=key, name=parsed.section[:200], in_structure=False, order=order)
        sections[folded(parsed.section)] = section
    return Stage.objects.create(
        key=_free(key_of(parsed.name)[:90], taken | RESERVED["stage"] | {"bulk"}),
        name=parsed.name[:200],
        section=section,
        in_structure=False,
        order=1 + (Stage.objects.aggregate(last=Max("order"))["last"] or 0),
    )


def _free(key: str, taken: set[str]) -> str:
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key}-{number}"
    return free


def _import_stage(
    parsed: ParsedStage, stage: Stage, counts: Counts, report: HandbookReport, run: ImportRun, actor: User | None
) -> None:
    counts.unrecognised += [{"line": line.number, "text": line.text.strip()} for line in parsed.unrecognised]
    met: set[int] = set()
    for block in parsed.blocks:
        if block.kind == "description" and block.content.is_empty and not block.content.placeholders:
            continue
        met.add(_import_block(block, stage, counts, report, run, actor))
    for gone in stage.blocks.exclude(pk__in=met).exclude(imported=None):
        _mark_missing(gone, report)
        counts.missing_from_source += missing_in(gone)


def _import_block(
    parsed: ParsedBlock, stage: Stage, counts: Counts, report: HandbookReport, run: ImportRun, actor: User | None
) -> int:
    theirs = parsed.content
    heading = theirs.heading if parsed.kind == BlockKind.OTHER else ""
    existing = find_block(stage, parsed.kind, heading, lock=True)
    ours = content_of(existing)
    conflict = existing.conflicts.filter(state=ImportConflict.State.OPEN).first() if existing else None
    # What nobody decided yet is compared with what it was before anybody disagreed about it.
    base = from_json(conflict.agreed if conflict and conflict.agreed else existing.imported if existing else None)
    # What waits already says the same, and by ids which item of the block each of the source's is.
    waiting = from_json(conflict.source_content) if conflict else theirs
    source = waiting if waiting == theirs else theirs
    merged = merge(base, ours, source)
    known = {one.id for one in in_dispute(conflict, ours)} if conflict else set()
    block = existing or ensure_block(stage, parsed.kind, heading)
    told = tuple(differences(ours, merged.content))
    if told:
        block = save_block(
            stage=stage,
            kind=parsed.kind,
            heading=heading,
            content=merged.content,
            base_version=None,
            actor=actor,
            how="import",
            reason=f"Imported from {run.source}"[:1000],
        ).block
        report.versions.append((block.pk, block.version))
        report.wrote = True
    _count(parsed, ours, merged.content, counts, report)
    _remember(block, theirs, report)
    missing, marked = mark_placements(block, theirs)
    counts.missing_from_source += missing
    noted = note_conflict(block=block, conflict=conflict, base=base, ours=ours, source=source, merged=merged, run=run)
    report.wrote = report.wrote or marked or noted
    found = disagreements(base, merged.content, source) if merged.conflicts else ()
    new = tuple(conflict for one in found if one.id not in known for conflict in one.conflicts)
    if told or new:
        report.changes.append(
            BlockChange(stage=stage.name, kind=parsed.kind, heading=heading, differences=told, conflicts=new)
        )
    return block.pk


def _count(
    parsed: ParsedBlock, ours: BlockContent, merged: BlockContent, counts: Counts, report: HandbookReport
) -> None:
    theirs = parsed.content
    kind = report.kinds.setdefault(parsed.kind, {"real": 0, "placeholders": 0})
    counts.placeholders += len(theirs.placeholders)
    kind["placeholders"] += len(theirs.placeholders)
    kind["real"] += len(theirs.items)
    in_ours = pairs(ours.items, theirs.items)
    in_merged = pairs(merged.items, theirs.items)
    after = {item.id: item for item in merged.items if item.id is not None}
    for position in range(len(theirs.items)):
        if position in in_ours:
            before = ours.items[in_ours[position]]
            same = before.id is None or after.get(before.id, before) == before
            counts.updated += not same
            counts.unchanged += same
        elif position in in_merged:
            counts.created += 1
        else:
            counts.unchanged += 1
    has_text = bool(theirs.note or theirs.body)
    changed = (ours.note, ours.body) != (merged.note, merged.body)
    if parsed.kind in (BlockKind.DESCRIPTION, BlockKind.OTHER):
        if has_text:
            kind["real"] += 1
            was_empty = not (ours.note or ours.body)
            counts.created += was_empty and changed
            counts.updated += changed and not was_empty
            counts.unchanged += not changed
    elif changed and not ours.is_empty:
        counts.updated += 1


def _remember(block: Block, theirs: BlockContent, report: HandbookReport) -> None:
    """Keep what the source said, and which placeholders it has."""
    imported = to_json(theirs)
    placeholders = list(theirs.placeholders)
    if block.imported != imported or block.placeholders != placeholders or block.missing_from_source:
        block.imported, block.placeholders, block.missing_from_source = imported, placeholders, False
        block.save(update_fields=["imported", "placeholders", "missing_from_source"])
        report.wrote = True


def _mark_missing(block: Block, report: HandbookReport) -> None:
    if not block.missing_from_source:
        block.missing_from_source = True
        block.save(update_fields=["missing_from_source"])
        report.wrote = True
    # A source that does not have it any more has no say in it either.
    block.conflicts.filter(state=ImportConflict.State.OPEN).update(
        state=ImportConflict.State.SETTLED, decided_at=timezone.now()
    )
    changed = block.placements.filter(from_source=True, missing_from_source=False).update(missing_from_source=True)
    report.wrote = report.wrote or bool(changed)


def missing_in(block: Block) -> int:
    """How much of a block that is gone from the source is kept: its items, or its text."""
    items = block.placements.filter(missing_from_source=True).count()
    text = block.kind in (BlockKind.DESCRIPTION, BlockKind.OTHER) and bool(block.note or block.body)
    return items + int(text)


def _mark_absent_stages(present: Sequence[Stage], report: HandbookReport) -> None:
    gone = Block.objects.exclude(stage__in=present).exclude(imported=None).select_related("stage")
    for block in gone:
        _mark_missing(block, report)
        counts = report.stages.setdefault(block.stage.name, Counts())
        counts.missing_from_source += missing_in(block)
