"""Verbs around an edit: drafts, suggestions, undo, restore, review."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from portal.history import because
from portal.notify import notify_all, notify_role
from portal.roles import Role
from stages import drafts
from stages.blockform import BlockForm
from stages.content import BlockContent, from_json, to_json
from stages.editing import HeadingTaken, Saved, StaleBlock, content_at, content_of, ensure_block, find_block, save_block
from stages.models import Block, BlockRevision, ConflictDecision, ImportConflict, Resource, Stage, Suggestion

if TYPE_CHECKING:
    from portal.models import User


class Refused(Exception):
    """Something that cannot be done, with the sentence that says why."""


def keep_draft(*, user: User, stage: Stage, heading: str, form: BlockForm) -> bool:
    """Keep what is typed, so that a closed browser loses nothing. What says just what the page says is no draft."""
    subject = drafts.of_block(stage, form.kind, heading)
    typed = replace(form.content, items=tuple(item for item in form.content.items if not item.is_empty))
    block = find_block(stage, form.kind, heading)
    if not form.reason and not form.paste.strip() and typed == content_of(block):
        drafts.drop(user=user, subject=subject)
        return False
    drafts.keep(user=user, subject=subject, form=form.as_draft(), base_version=form.base_version)
    return True


def drop_draft(*, user: User, stage: Stage, kind: str, heading: str) -> None:
    """Forget the draft, once it is saved or not wanted any more."""
    drafts.drop(user=user, subject=drafts.of_block(stage, kind, heading))


def draft_of(user: User, stage: Stage, kind: str, heading: str) -> tuple[BlockForm, datetime] | None:
    """The draft as a form, and when it was kept."""
    draft = drafts.find(user, drafts.of_block(stage, kind, heading))
    if draft is None:
        return None
    form = BlockForm(
        kind=kind,
        content=from_json(draft.form.get("content")),
        base_version=draft.base_version,
        reason=draft.form.get("reason", ""),
        paste=draft.form.get("paste", ""),
    )
    return form, draft.saved_at


def suggest(
    *, user: User, stage: Stage, kind: str, heading: str, content: BlockContent, base_version: int, reason: str
) -> Suggestion:
    """Propose a content; the editors of the stage are told."""
    if content == content_of(find_block(stage, kind, heading)):
        raise Refused("This is what the page says already; change something before you suggest it.")
    with transaction.atomic():
        suggestion = Suggestion.objects.create(
            stage=stage, kind=kind, heading=heading, content=to_json(content), base_version=base_version,
            reason=reason, author=user,
        )  # fmt: skip
        notify_role(
            role=Role.EDITOR,
            scopes=stage.scopes,
            sentence=f"{user} suggests a change to {stage.name}.",
            url=reverse("stages:suggestion", args=[suggestion.pk]),
            topic="stages",
        )
    return suggestion


def decide_suggestion(
    *,
    suggestion: Suggestion,
    actor: User,
    state: str,
    answer: str = "",
    content: BlockContent | None = None,
    base_version: int | None = None,
) -> Saved | None:
    """Accept a suggestion as it is, with changes (``content``), or decline it; its author is told.

    What somebody saved meanwhile is merged; where both changed the same thing, accepting is refused with a sentence.
    Changed content is made from ``base_version``: where the block went on since, ``StaleBlock`` says so.
    """
    from stages.content import merge

    with transaction.atomic():
        locked = (
            Suggestion.objects.select_for_update(of=("self",)).select_related("stage", "author").get(pk=suggestion.pk)
        )
        if locked.state != Suggestion.State.OPEN:
            raise Refused(f"It was {locked.get_state_display().lower()} already.")
        saved = None
        if state != Suggestion.State.DECLINED:
            ensure_block(locked.stage, locked.kind, locked.heading)
            block = find_block(locked.stage, locked.kind, locked.heading, lock=True)
            ours = content_of(block)
            if content is None:
                base = content_at(block, locked.base_version)
                merged = merge(base, ours, from_json(locked.content), keep_missing=False)
                if merged.conflicts:
                    told = "; ".join(one.what for one in merged.conflicts)
                    raise Refused(f"The page changed the same things meanwhile: {told}. Change the suggestion instead.")
                content = merged.content
            try:
                saved = save_block(
                    stage=locked.stage, kind=locked.kind, heading=locked.heading, content=content,
                    base_version=base_version, actor=actor, how="suggestion", reason=_reason(locked),
                )  # fmt: skip
            except HeadingTaken as error:
                raise Refused(str(error)) from error
        locked.state, locked.answer = state, answer[:1000]
        locked.decided_by, locked.decided_at = actor, timezone.now()
        locked.save()
        if locked.author is not None and locked.author != actor:
            sentence = f"{actor} {locked.what_became(f'your suggestion for {locked.stage.name}')}."
            url = reverse("stages:suggestion", args=[locked.pk])
            notify_all(users=[locked.author], sentence=sentence, url=url, topic="stages")
    return saved


def _reason(suggestion: Suggestion) -> str:
    by = f" by {suggestion.author}" if suggestion.author else ""
    return f"{suggestion.reason} (suggested{by})"[:1000] if suggestion.reason else f"Suggested{by}"


def without_ids(content: BlockContent, current: BlockContent) -> BlockContent:
    """The content with the ids of placements that are there no more taken off."""
    present = {item.id for item in current.items}
    return replace(
        content, items=tuple(item if item.id in present else replace(item, id=None) for item in content.items)
    )


def restore(*, revision: BlockRevision, actor: User, reason: str = "", base_version: int | None = None) -> Saved:
    """Make an older version the present one; what was in between stays in the history.

    ``base_version`` is the one that the caller read; ``None`` takes whatever is there.
    """
    block = revision.block
    content = without_ids(from_json(revision.content), content_of(block))
    return save_block(
        stage=block.stage, kind=block.kind, heading=block.heading if block.kind == "other" else "", content=content,
        base_version=base_version, actor=actor, how="restore",
        reason=reason or f"Restored version {revision.version}",
    )  # fmt: skip


def undo(*, block: Block, version: int, actor: User, reason: str = "Undone") -> Saved:
    """Take back a save, as long as nobody saved after it. What it decided about an import waits again."""
    if block.version != version:
        raise StaleBlock(block=block, base=BlockContent(), current=content_of(block))
    before = block.revisions.filter(version__lt=version).order_by("-version").first()
    heading = block.heading if block.kind == "other" else ""
    content = without_ids(from_json(before.content), content_of(block)) if before else BlockContent(heading=heading)
    with transaction.atomic():
        saved = save_block(
            stage=block.stage, kind=block.kind, heading=heading, content=content,
            base_version=version, actor=actor, how="undo", reason=reason[:1000],
        )  # fmt: skip
        decided = ConflictDecision.objects.filter(conflict__block=block, version=version, undone_at=None)
        decision = decided.select_related("conflict__block", "conflict__run").first()
        if decision is not None and may_reopen(decision):
            reopen(decision, actor)
    return saved


def may_reopen(decision: ConflictDecision) -> bool:
    """Whether it is the last one about its conflict, and the conflict the last one of its block."""
    conflict = decision.conflict
    later = conflict.decisions.filter(undone_at=None, pk__gt=decision.pk)
    others = conflict.block.conflicts.filter(state=ImportConflict.State.OPEN).exclude(pk=conflict.pk)
    return not is_past(decision) and not later.exists() and not others.exists()


def is_past(decision: ConflictDecision) -> bool:
    """Whether the source said something else since."""
    conflict = decision.conflict
    run = conflict.run
    same = from_json(conflict.block.imported) == from_json(conflict.source_content)
    return not same or (run is not None and run.at > decision.at)


def reopen(decision: ConflictDecision, actor: User) -> None:
    """Put what was decided in dispute again, as it was before."""
    decision.undone_at, decision.undone_by = timezone.now(), str(actor)
    decision.save()
    conflict = decision.conflict
    conflict.agreed, conflict.state = decision.agreed, ImportConflict.State.OPEN
    conflict.decided_by = conflict.decided_at = None
    conflict.save()


def review(*, block: Block, actor: User, every_days: int | None = None, reviewed: bool = True) -> None:
    """Say that the block is right as it stands, its resources with it; or how many days that holds."""
    with transaction.atomic(), because("Reviewed" if reviewed else "How long a review holds", actor=actor):
        if every_days is not None:
            block.review_every_days = every_days
        if reviewed:
            today = timezone.now().date()
            block.reviewed_on, block.reviewed_by = today, actor
            placed = Resource.objects.filter(placements__block=block, reviewed_on__lt=today)
            placed.update(reviewed_on=today, version=F("version") + 1)
        block.save(update_fields=["reviewed_on", "reviewed_by", "review_every_days"])


def own(*, block: Block, user: User | None, actor: User) -> None:
    """Say who keeps the block up to date; somebody else is told."""
    with transaction.atomic(), because("Who keeps it", actor=actor):
        changed = block.owner_id != (user.pk if user else None)
        block.owner = user
        block.save(update_fields=["owner"])
        if user is not None and changed and user != actor:
            title = block.heading or block.get_kind_display()
            notify_all(
                users=[user],
                sentence=f"{actor} asks you to keep {title} of {block.stage.name} up to date.",
                url=block.stage.get_absolute_url(),
                topic="stages",
            )


def confirm(*, stage: Stage, kind: str, content: BlockContent, actor: User, base_version: int | None = None) -> Saved:
    """Make derived facts the block's own content."""
    return save_block(
        stage=stage, kind=kind, content=content, base_version=base_version, actor=actor, how="edit",
        reason="Confirmed what the structure files say",
    )  # fmt: skip


def give_back(*, stage: Stage, kind: str, actor: User, base_version: int | None = None) -> Saved:
    """Give a block back to the structure files: without content of its own it says what they say."""
    return save_block(
        stage=stage, kind=kind, content=BlockContent(), base_version=base_version, actor=actor, how="edit",
        reason="Given back to the structure files",
    )  # fmt: skip
