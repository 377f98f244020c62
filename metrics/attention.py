"""What of the metrics waits for a person."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from metrics.definitions.queries import conflicts, open_proposals
from metrics.definitions.review import scopes_of
from portal.models import User
from portal.permissions import has_role, has_role_anywhere
from portal.roles import Role


def reviews(user: User) -> Sequence[tuple[str, str]]:
    """Proposed changes that this reviewer may decide about."""
    if not has_role_anywhere(user, Role.REVIEWER):
        return []
    return [
        (
            f"{proposal.proposed_by or 'Somebody'} proposes to change {proposal.definition.key_path}.",
            reverse("metrics:proposal", args=[proposal.pk]),
        )
        for proposal in open_proposals()
        if has_role(user, Role.REVIEWER, scopes_of(proposal.definition))
    ]


def mapping_conflicts(user: User) -> Sequence[tuple[str, str]]:
    """Figures that stay empty because two metrics stand for them."""
    if not has_role(user, Role.REVIEWER):
        return []
    return [
        (f"Two metrics are the {conflict.kind.upper()} of {conflict.subject}: choose one.", reverse("metrics:mapping"))
        for conflict in conflicts()
    ]
