"""What the catalog itself records: versions of blocks, and changes of the structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from stages.content import Difference, differences, from_json
from stages.facts import Entry, kind_of
from stages.history.events import events_of
from stages.history.happening import Happening, Rows
from stages.history.imports import Cause, cause_of
from stages.models import Block, BlockRevision, Succession
from stages.models.changes import NOT_IN_THE_FILE


class Texts(Rows):
    """Versions of blocks."""

    field = "at"

    def __init__(self, blocks: Sequence[int]) -> None:
        self.rows = BlockRevision.objects.filter(block__in=blocks)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The versions with their differences to the ones before; one query more."""
        rows = list(self.within(since, before).select_related("block__stage"))
        keys = {(one.block_id, one.version - 1) for one in rows}
        earlier = {
            (one.block_id, one.version): one.content
            for one in BlockRevision.objects.filter(
                block__in={block for block, _ in keys}, version__in={version for _, version in keys}
            )
        }
        causes = self.causes(rows)
        for one in rows:
            told = differences(from_json(earlier.get((one.block_id, one.version - 1))), from_json(one.content))
            somebody = Cause(who="an import" if one.how == "import" else "the system", how=one.how)
            cause = causes.get((one.block_id, one.version), somebody)
            title = f"{one.block.heading or one.block.get_kind_display()}, version {one.version}"
            yield Happening(
                at=one.at, title=title, who=one.actor_name or cause.who, how=cause.how, why=one.reason,
                differences=tuple(told), revision=one, run=cause.run,
            )  # fmt: skip

    def causes(self, rows: Sequence[BlockRevision]) -> dict[tuple[int, int], Cause]:
        """The imports that made some of the versions; a query where there is any."""
        imported = [one for one in rows if one.how == "import"]
        if not imported:
            return {}
        events = events_of(Block).filter(
            pgh_obj_id__in={one.block_id for one in imported}, version__in={one.version for one in imported}
        )
        return {
            (event.pgh_obj_id, event.version): cause_of("", event.pgh_context.metadata or {}, how="import")
            for event in events.exclude(pgh_context=None).select_related("pgh_context").order_by("-pgh_id")
        }


class Structure(Rows):
    """Made, renamed, moved, split, merged, retired."""

    field = "at"

    def __init__(self, entries: Sequence[Entry]) -> None:
        asked = Q(pk=None)
        for entry in entries:
            same = Q(kind=kind_of(entry))
            asked |= same & (Q(from_key=entry.key) | Q(to_key=entry.key) | Q(entry=entry.pk))
        self.rows = Succession.objects.filter(asked)

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """The changes with the day from which they hold."""
        rows = self.within(since, before).select_related("actor", "undoes", "undone_by")
        for one in rows:
            who = "the structure files" if one.reason == NOT_IN_THE_FILE else "the system"
            how = f"{one.get_how_display().lower()} on {one.on:%-d %b %Y}"
            how += ", taken back since" if hasattr(one, "undone_by") else ""
            before_, after = one.from_name, one.to_name or "(no more)"
            told = () if before_ == after else (Difference(what=f"the {one.kind}", before=before_, after=after),)
            yield Happening(
                at=one.at, title=f"Structure: the {one.kind} {one.from_name}", who=str(one.actor or who), how=how,
                why=one.reason, differences=told, change=one,
            )  # fmt: skip
