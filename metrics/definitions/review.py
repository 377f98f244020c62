"""Review: an owner proposes a change of a definition, a reviewer approves or refuses it with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from metrics.definitions.catalogue import raise_version
from metrics.definitions.changing import change_definition
from metrics.definitions.mapping import lock_dictionary
from metrics.definitions.months import current_month
from metrics.definitions.signals import definitions_changed
from metrics.models.dictionary import MetricDefinition, ProposedChange
from portal.history.context import because
from portal.models import User
from portal.notify import notify, notify_role
from portal.roles import Role
from stages.queries import group_named

PROPOSABLE = (
    "name",
    "description",
    "product_group",
    "status",
    "performance_indicator_type",
    "tiers",
    "milestone_removed",
    "removed_by_url",
    "repair_issue_url",
)
"""What may be proposed here. The rest says how a metric is collected, which only its file can change."""


class ReviewRefused(Exception):
    """A step of the review that cannot be taken; the message says why."""


def scopes_of(definition: MetricDefinition) -> tuple[str, ...]:
    """The scopes within which a role suffices for this definition: its group, stage and section."""
    group = definition.group
    if group is None:
        return ()
    section = group.stage.section
    own = (f"group:{group.key}", f"stage:{group.stage.key}")
    return own if section is None else (*own, f"section:{section.key}")


@transaction.atomic
def propose_change(
    *,
    definition: MetricDefinition,
    changes: Mapping[str, Any],
    reason: str,
    actor: User,
    from_month: date | None = None,
) -> ProposedChange:
    """Ask for fields of a definition to be changed. The same proposal twice is one."""
    if not reason.strip():
        raise ReviewRefused("Say why the definition should change.")
    foreign = sorted(set(changes) - set(PROPOSABLE))
    if foreign:
        raise ReviewRefused(f"{', '.join(foreign)} can only be changed in the definition's file.")
    real = {key: value for key, value in changes.items() if getattr(definition, key) != value}
    if not real:
        raise ReviewRefused("Nothing would change; edit at least one field.")
    twin = definition.proposals.filter(state=ProposedChange.State.OPEN, changes=real, proposed_by=actor).first()
    if twin is not None:
        return twin
    proposal = ProposedChange.objects.create(
        definition=definition,
        changes=real,
        base_version=definition.version,
        from_month=from_month,
        reason=reason.strip(),
        proposed_by=actor,
    )
    notify_role(
        role=Role.REVIEWER,
        scopes=scopes_of(definition),
        sentence=f"{actor} proposes to change {definition.key_path}: {proposal.reason}",
        url=reverse("metrics:proposal", args=[proposal.pk]),
        topic="reviews",
        once_key=f"metrics.proposal.{proposal.pk}",
    )
    return proposal


@transaction.atomic
def approve_change(*, proposal: ProposedChange, actor: User, decision: str = "") -> ProposedChange:
    """Make a proposed change. It stands above the definition's file until the file says the same.

    Four eyes see each change: who proposed it does not approve it.
    """
    lock_dictionary()
    proposal = _open(proposal)
    if proposal.proposed_by_id == actor.pk:
        raise ReviewRefused("You proposed this change, so another reviewer has to approve it.")
    definition = MetricDefinition.objects.select_for_update(of=("self",)).get(pk=proposal.definition_id)
    values = dict(proposal.changes)
    if definition.version != proposal.base_version:
        raise ReviewRefused(
            f"{definition.key_path} has changed since (version {proposal.base_version} was looked at, it is at "
            f"{definition.version} now). Refuse it and ask for a new one."
        )
    group = definition.group
    if "product_group" in values:
        group = group_named(values["product_group"])
    with because(f"{proposal.reason} (approved: {decision or 'no remark'})", actor=actor):
        change_definition(
            definition=definition,
            values=values,
            aside={"overrides": {**definition.overrides, **values}, "group": group},
            from_month=proposal.from_month or current_month(),
            reason=proposal.reason,
            actor=actor,
        )
    raise_version()
    key_path = definition.key_path
    transaction.on_commit(lambda: definitions_changed.send(sender=MetricDefinition, key_paths=(key_path,), actor=actor))
    return _decide(proposal, ProposedChange.State.APPROVED, actor, decision)


@transaction.atomic
def refuse_change(*, proposal: ProposedChange, actor: User, decision: str) -> ProposedChange:
    """Turn a proposal down; its owner is owed a reason."""
    if not decision.strip():
        raise ReviewRefused("Say why the change is refused.")
    return _decide(_open(proposal), ProposedChange.State.REFUSED, actor, decision)


@transaction.atomic
def withdraw_change(*, proposal: ProposedChange, actor: User) -> ProposedChange:
    """Take one's own proposal back."""
    proposal = _open(proposal)
    if proposal.proposed_by_id != actor.pk:
        raise ReviewRefused("Only who proposed a change can withdraw it.")
    return _decide(proposal, ProposedChange.State.WITHDRAWN, actor, "")


def _open(proposal: ProposedChange) -> ProposedChange:
    """The proposal as it is now, locked; a second click must not decide it again."""
    now = ProposedChange.objects.select_for_update().get(pk=proposal.pk)
    if now.state != ProposedChange.State.OPEN:
        raise ReviewRefused(f"This proposal is already {now.get_state_display().lower()}.")
    return now


def _decide(proposal: ProposedChange, state: ProposedChange.State, actor: User, decision: str) -> ProposedChange:
    proposal.state = state
    proposal.decided_by = actor
    proposal.decided_at = timezone.now()
    proposal.decision = decision.strip()
    proposal.save()
    if proposal.proposed_by is not None and proposal.proposed_by_id != actor.pk:
        said = f": {proposal.decision}" if proposal.decision else "."
        notify(
            user=proposal.proposed_by,
            sentence=f"{actor} {state.value} your change of {proposal.definition.key_path}{said}",
            url=reverse("metrics:proposal", args=[proposal.pk]),
            topic="reviews",
            once_key=f"metrics.decision.{proposal.pk}",
        )
    return proposal
