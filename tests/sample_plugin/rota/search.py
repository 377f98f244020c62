"""What the plugin answers to the search box."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from portal.models import User
from portal.plugin import SearchHit

from rota.models import Duty


def search(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """People who are, were or will be on duty."""
    people = Duty.objects.filter(person__icontains=query).order_by("person").values_list("person", flat=True)
    return [
        SearchHit(title=person, url=reverse("rota:index"), kind="On duty", score=80.0)
        for person in people.distinct()[:limit]
    ]
