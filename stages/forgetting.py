"""Taking a name off the teams' parts of the pages on request, and out of all that is kept of their past.

Derived people become content when an editor confirms them, and people are also typed in by hand. Of such content every
version is kept; these are the only versions that are rewritten.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Model, QuerySet

from stages.content import BlockContent
from stages.editing import content_of, save_block
from stages.history.events import events_of
from stages.models import (
    Block,
    BlockKind,
    BlockRevision,
    ConflictDecision,
    Draft,
    ImportConflict,
    Placement,
    Resource,
    Suggestion,
)

WHY = "A name was removed on request"


def forget_on_pages(name: str) -> None:
    """Take the items that a person's name is the label of off every team block, in each of its versions as well."""
    for block in Block.objects.filter(kind=BlockKind.TEAM).select_related("stage").order_by("pk"):
        _take_off(block, name)
    for resource in Resource.objects.filter(kind=BlockKind.TEAM):
        if is_name(resource.label, name) and not resource.placements.exists():
            resource.delete()
        elif is_name(resource.label, name):
            resource.label = ""
            resource.save()
    _rewrite(BlockRevision.objects.filter(block__kind=BlockKind.TEAM), "content", name)
    _rewrite(Block.objects.filter(kind=BlockKind.TEAM).exclude(imported=None), "imported", name)
    _rewrite(Suggestion.objects.filter(kind=BlockKind.TEAM), "content", name)
    conflicts = ImportConflict.objects.filter(block__kind=BlockKind.TEAM)
    _rewrite(conflicts, "source_content", name)
    _rewrite(conflicts.exclude(agreed=None), "agreed", name)
    decisions = ConflictDecision.objects.filter(conflict__block__kind=BlockKind.TEAM)
    _rewrite(decisions.exclude(agreed=None), "agreed", name)
    _forget_told(decisions, name)
    _forget_drafts(name)
    _forget_labels(events_of(Resource).filter(kind=BlockKind.TEAM), name)
    _forget_labels(events_of(Placement).exclude(label=""), name)


def is_name(text: str, name: str) -> bool:
    """Whether a text is the name and nothing else, in whatever case and with whatever blanks."""
    return " ".join(text.casefold().split()) == " ".join(name.casefold().split())


def _take_off(block: Block, name: str) -> None:
    content = content_of(block)
    kept = tuple(item for item in content.items if not is_name(item.label, name))
    if len(kept) < len(content.items):
        without: BlockContent = replace(content, items=kept)
        save_block(
            stage=block.stage, kind=block.kind, content=without, base_version=None, actor=None, how="edit", reason=WHY
        )


def _rewrite(rows: QuerySet[Any, Any], field: str, name: str) -> None:
    """Take the items of that name out of contents that are kept as JSON."""
    changed: list[Model] = []
    for row in rows.only("pk", field):
        content = getattr(row, field)
        items = content.get("items", [])
        kept = [item for item in items if not is_name(str(item.get("label", "")), name)]
        if len(kept) < len(items):
            setattr(row, field, {**content, "items": kept})
            changed.append(row)
    rows.model._default_manager.bulk_update(changed, [field], batch_size=500)


def _forget_told(decisions: QuerySet[ConflictDecision], name: str) -> None:
    """Drop what was told of a decision about that name."""
    for row in decisions:
        kept = [one for one in row.told if not _names(one, name)]
        if len(kept) < len(row.told):
            row.told, row.reason = kept, ""
            row.save(update_fields=["told", "reason"])


def _names(told: dict[str, Any], name: str) -> bool:
    said = [value for reading in told["readings"] for value in reading.values()]
    return any(is_name(line, name) for value in (told["what"].strip("“”"), *said) for line in value.split("\n"))


def _forget_drafts(name: str) -> None:
    """Drop the drafts of team blocks that have the name among their labels."""
    drafts = Draft.objects.filter(subject__startswith="block:", subject__contains=f":{BlockKind.TEAM}:")
    gone = [one.pk for one in drafts if any(is_name(str(value), name) for value in one.form.values())]
    Draft.objects.filter(pk__in=gone).delete()


def _forget_labels(events: QuerySet[Any], name: str) -> None:
    found = [number for number, label in events.values_list("pk", "label") if is_name(label, name)]
    events.filter(pk__in=found).update(label="")
