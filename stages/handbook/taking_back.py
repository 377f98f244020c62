"""Taking back what an import of a handbook page changed: all of it, or on one stage's page.

Every part goes back to what it said before, as a change like any other: what the page still says does not return with
the next import of it. What somebody changed since stays and is told. It is a run of its own, which can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from portal.history import because
from stages import following, own_texts
from stages.collaboration import Refused, undo
from stages.editing import StaleBlock
from stages.handbook.report import STARTS, TEXTS, Counts
from stages.models import Block, ImportRun, PageText, Stage, StartingPoint

if TYPE_CHECKING:
    from portal.models import User

KIND = "taken back"
OWN = {"start": STARTS, "text": TEXTS}
OWN_MODELS: dict[str, type[own_texts.OwnText]] = {"start": StartingPoint, "text": PageText}
WroteText = tuple[str, int, int, bool]
"""A place to start or a text of the page: kind, row, version, and whether it was there afterwards."""


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What was taken back, as a run of its own, and what stayed, a sentence each."""

    run: ImportRun
    parts: int
    stayed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Whole:
    """How much of a run can be taken back in one place: of how many parts that it changed."""

    name: str
    stage: Stage | None
    parts: int
    of: int


def places(run: ImportRun) -> list[Whole]:
    """Where a run changed something, and how much of it nobody changed since."""
    wrote = versions(run)
    blocks = Block.objects.filter(pk__in=wrote).select_related("stage__section").order_by("stage__name", "pk")
    found: dict[Stage, list[bool]] = {}
    for block in blocks:
        found.setdefault(block.stage, []).append(block.version == wrote[block.pk])
    rows = [Whole(name=stage.name, stage=stage, parts=sum(same), of=len(same)) for stage, same in found.items()]
    for kind, name in OWN.items():
        same = [_is_as_left(*one) for one in run.report.get("wrote_texts", ()) if one[0] == kind]
        rows += [Whole(name=name, stage=None, parts=sum(same), of=len(same))] if same else []
    return rows


def versions(run: ImportRun) -> dict[int, int]:
    """The blocks that a run changed, with the version of each that it made."""
    return dict(run.report.get("wrote", ()))


def _is_as_left(kind: str, pk: int, version: int, there: bool) -> bool:
    """Whether a text is in the version that a run made, and ``there`` or taken away as the run left it."""
    last = own_texts.last_of(OWN_MODELS[kind], pk)
    return last is not None and last.version == version and (last.pgh_label != "delete") == there


def take_back(*, run: ImportRun, actor: User, stage: Stage | None = None, reason: str = "") -> TakenBack:
    """Take back what a run changed, on one ``stage`` or all of it; refused where nothing of it is left."""
    why = reason or f"Took back the import of {run.source}"
    with transaction.atomic():
        made = ImportRun.objects.create(kind=KIND, source=run.source, digest="", actor=actor)
        with because(why[:1000], actor=actor), following.as_one(actor, f"took back the import of {run.source}"):
            wrote, counts, stayed = _blocks(run, stage, actor)
            texts = [] if stage is not None else _texts(run.report.get("wrote_texts", ()), actor, counts, stayed)
        if not wrote and not texts:
            raise Refused(" ".join(["Nothing is left to take back.", *stayed]))
        told = {name: one.as_json() for name, one in counts.items()}
        made.report = {"took_back": run.pk, "stages": told, "wrote": wrote, "wrote_texts": texts}
        made.save()
    return TakenBack(run=made, parts=len(wrote) + len(texts), stayed=tuple(stayed))


def _blocks(
    run: ImportRun, stage: Stage | None, actor: User
) -> tuple[list[tuple[int, int]], dict[str, Counts], list[str]]:
    versions_, counts = versions(run), dict[str, Counts]()
    rows = Block.objects.filter(pk__in=versions_)
    if stage is not None:
        rows = rows.filter(stage=stage)
    wrote: list[tuple[int, int]] = []
    stayed: list[str] = []
    for block in rows.select_for_update(of=("self",)).select_related("stage").order_by("pk"):
        try:
            saved = undo(
                block=block, version=versions_[block.pk], actor=actor, reason=f"Took back the import of {run.source}"
            )
        except StaleBlock:
            name = block.heading or block.get_kind_display()
            stayed.append(f"{name} of {block.stage.name} was changed since; it stays as it is.")
            continue
        wrote.append((block.pk, saved.block.version))
        counts.setdefault(block.stage.name, Counts()).updated += 1
    return wrote, counts, stayed


def _texts(wrote: Iterable[WroteText], actor: User, counts: dict[str, Counts], stayed: list[str]) -> list[WroteText]:
    """Places to start and texts of the page."""
    found: list[WroteText] = []
    for kind, pk, version, there in wrote:
        model = OWN_MODELS[kind]
        last = own_texts.last_of(model, pk)
        name = str(last.heading if kind == "text" else last.label or last.text[:60]) if last else ""
        if not _is_as_left(kind, pk, version, there):
            stayed.append(f"“{name}” was changed since; it stays as it is.")
            continue
        try:
            row = own_texts.undo(model=model, pk=pk, version=version, actor=actor)
        except own_texts.OwnTextRefused as error:
            stayed.append(f"“{name}” stays: {error}")
            continue
        found.append((kind, pk, own_texts.last_of(model, pk).version, row is not None))
        counts.setdefault(OWN[kind], Counts()).updated += 1
    return found
