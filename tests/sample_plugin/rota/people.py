"""What concerns a single reader, and the page behind a source reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.urls import reverse
from django.utils import timezone
from portal.models import User
from portal.plugin import SourceLink

from rota.models import Duty


def waiting_for(user: User) -> Sequence[tuple[str, str]]:
    """The stages that the reader looks after today."""
    today = timezone.localdate()
    mine = Duty.objects.filter(person=user.username, starts_on__lte=today, ends_on__gte=today)
    return [(f"You are on duty for {duty.stage_key}.", reverse("rota:index")) for duty in mine]


def resolve(rests: Sequence[str]) -> Mapping[str, SourceLink]:
    """The pages of the duties that reports name as their sources, ``rota:<id>``."""
    duties = Duty.objects.filter(pk__in=[rest for rest in rests if rest.isdecimal()])
    return {str(duty.pk): SourceLink(url=reverse("rota:index"), label=str(duty)) for duty in duties}


def scopes() -> Sequence[tuple[str, str]]:
    """What a role can be limited to."""
    return [("rota:all", "The whole rota")]
