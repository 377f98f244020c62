"""Checks the links of the catalog and keeps what was found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db.models import F, Q
from django.utils import timezone

from stages.conf import handbook_url, private_hosts
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import Verdict
from stages.links import target_of
from stages.models import LinkCheck, Resource

AGAIN_AFTER = timedelta(days=7)
MOST_PER_RUN = 300
MOST_PER_HOST = 40
PAUSE = 1.0
HOSTS_FOR_OFFLINE = 3


@dataclass(frozen=True, kw_only=True)
class LinkReport:
    """What a run found. ``offline``: the network, not the links, was the trouble, and nothing was learnt."""

    checked: int
    states: dict[str, int]
    offline: bool

    @property
    def sentence(self) -> str:
        """The run in words."""
        if self.offline:
            return "This network has no way out: no link could be looked at, and nothing is said about them."
        told = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        return f"{self.checked} links looked at" + (f": {told}." if told else ".")


def check_links(
    *,
    fetcher: Fetcher | None = None,
    limit: int = MOST_PER_RUN,
    pause: Callable[[float], None] = time.sleep,
    step: Callable[[str], None] = lambda said: None,
) -> LinkReport:
    """Look at the links that were not looked at for a week, longest first; one host at most every second.

    When every host fails for want of a network, earlier results stay as they are.
    """
    fetcher = fetcher or Fetcher(allowed=private_hosts())
    now = timezone.now()
    never = Q(link_check__isnull=True)
    long_ago = Q(link_check__checked_at__lt=now - AGAIN_AFTER)
    other_address = ~Q(link_check__checked_url=F("url"))
    due = (
        Resource.objects.filter(placements__isnull=False)
        .exclude(url="")
        .filter(never | long_ago | other_address)
        .order_by(F("link_check__checked_at").asc(nulls_first=True), "pk")
        .select_related("link_check")
        .distinct()[:limit]
    )
    base = handbook_url()
    asked: dict[str, int] = {}
    last: dict[str, float] = {}
    found: list[tuple[Resource, Verdict]] = []
    known: dict[str, Verdict] = {}
    for resource in due:
        url = target_of(resource.url, base).href.split("#")[0]
        if not url.startswith(("http://", "https://")):
            found.append((resource, Verdict(state="refused", sentence="This is no address that can be looked at.")))
            continue
        host = urlsplit(url).hostname or ""
        if url not in known:
            if asked.get(host, 0) >= MOST_PER_HOST:
                continue
            wait = PAUSE - (time.monotonic() - last.get(host, float("-inf")))
            if wait > 0:
                pause(wait)
            known[url] = fetcher.check(url)
            asked[host] = asked.get(host, 0) + 1
            last[host] = time.monotonic()
        found.append((resource, known[url]))
        step(resource.url)
    judged = [verdict for _, verdict in found if verdict.state != "refused"]
    offline = len(asked) >= HOSTS_FOR_OFFLINE and all(verdict.is_network for verdict in judged)
    if offline:
        return LinkReport(checked=0, states={}, offline=True)
    states: dict[str, int] = {}
    for resource, verdict in found:
        keep(resource, verdict, now)
        states[verdict.state] = states.get(verdict.state, 0) + 1
    return LinkReport(checked=len(found), states=states, offline=False)


def keep(resource: Resource, verdict: Verdict, now: datetime) -> None:
    """Keep a result; since when it fails is told from run to run."""
    before = getattr(resource, "link_check", None)
    failing = verdict.state in ("dead", "unreachable")
    since = (before.failing_since if before else None) or now
    LinkCheck.objects.update_or_create(
        resource=resource,
        defaults={
            "state": verdict.state,
            "status": verdict.status,
            "sentence": verdict.sentence[:500],
            "checked_url": resource.url,
            "moved_to": verdict.moved_to,
            "checked_at": now,
            "failing_since": since if failing else None,
        },
    )
