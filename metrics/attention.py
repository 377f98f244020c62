"""What of the metrics waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.urls import reverse

from metrics.definitions.queries import conflicts, open_proposals
from metrics.definitions.review import scopes_of
from metrics.models import FigureMonth
from metrics.periods import Month
from portal.models import User
from portal.permissions import has_role, has_role_anywhere
from portal.roles import Role
from portal.words import month as month_words


def reviews(user: User) -> Sequence[tuple[str, str]]:
    """Proposed changes that this reviewer may decide about; those of one's own wait for another."""
    if not has_role_anywhere(user, Role.REVIEWER):
        return []
    return [
        (
            f"{proposal.proposed_by or 'Somebody'} proposes to change {proposal.definition.key_path}.",
            reverse("metrics:proposal", args=[proposal.pk]),
        )
        for proposal in open_proposals()
        if proposal.proposed_by_id != user.pk and has_role(user, Role.REVIEWER, scopes_of(proposal.definition))
    ]


def mapping_conflicts(user: User) -> Sequence[tuple[str, str]]:
    """Figures that stay empty because two metrics stand for them."""
    if not has_role(user, Role.REVIEWER):
        return []
    return [
        (f"Two metrics are the {conflict.kind.upper()} of {conflict.subject}: choose one.", reverse("metrics:mapping"))
        for conflict in conflicts()
    ]


def odd_figures(user: User) -> Sequence[tuple[str, str]]:
    """Months that are not published yet and hold figures to explain, with the first one's numbers."""
    if not has_role(user, Role.REVIEWER):
        return []
    months = FigureMonth.objects.exclude(findings=[]).exclude(state=FigureMonth.State.FINAL)
    return [
        (_odd(Month.of(one.month), [finding["sentence"] for finding in one.findings]), _month_page(one.month))
        for one in months
    ]


def _odd(month: Month, sentences: Sequence[str]) -> str:
    others = len(sentences) - 1
    more = f" And {others} more." if others else ""
    return f"Figures of {month_words(month.first)} look odd. {sentences[0]}{more}"


def _month_page(first: date) -> str:
    return reverse("metrics:month", args=[str(Month.of(first))])
