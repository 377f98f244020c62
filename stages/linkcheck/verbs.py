"""Checks the links of the catalog and keeps what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from stages.conf import handbook_url, private_hosts
from stages.linkcheck.fetching import Fetcher
from stages.linkcheck.rules import Verdict
from stages.links import target_of
from stages.models import LinkCheck, LinkRun, Resource

JOB = "Check links of the catalog"
AGAIN_AFTER = timedelta(days=7)
FAILING_AGAIN_AFTER = timedelta(days=1)
KEEP_RUNS = 50
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
    """Look at the links that are due, longest first; one host at most every second. The run is kept.

    Due is what was never looked at, what somebody asked for, what fails after a day, and the rest after a week. When
    every host fails for want of a network, earlier results stay as they are.
    """
    fetcher = fetcher or Fetcher(allowed=private_hosts())
    now = timezone.now()
    due = due_links(now)[:limit]
    base = handbook_url()
    asked: dict[str, int] = {}
    last: dict[str, float] = {}
    found: list[tuple[Resource, Verdict]] = []
    known: dict[str, Verdict] = {}
    for resource in due:
        url = target_of(resource.url, base).href.split("#")[0]
        if not url.startswith(("http://", "https://")):
            found.append((resource, Verdict(state="refused", sentence="This is no address that can be looked at.")))
            step(resource.url)
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
        return noted(LinkReport(checked=0, states={}, offline=True), now)
    states: dict[str, int] = {}
    for resource, verdict in found:
        keep(resource, verdict, now)
        states[verdict.state] = states.get(verdict.state, 0) + 1
    return noted(LinkReport(checked=len(found), states=states, offline=False), now)


def due_links(now: datetime) -> QuerySet[Resource]:
    """The resources whose links are to be looked at, those asked for and those never seen first."""
    never = Q(link_check__isnull=True)
    long_ago = Q(link_check__checked_at__lt=now - AGAIN_AFTER)
    failing = Q(link_check__failures__gt=0, link_check__checked_at__lt=now - FAILING_AGAIN_AFTER)
    other_address = ~Q(link_check__checked_url=F("url"))
    wanted = Q(link_check__wanted=True)
    return (
        Resource.objects.filter(placements__isnull=False)
        .exclude(url="")
        .filter(never | long_ago | failing | other_address | wanted)
        .order_by(
            F("link_check__wanted").desc(nulls_last=True), F("link_check__checked_at").asc(nulls_first=True), "pk"
        )
        .select_related("link_check")
        .distinct()
    )


def noted(report: LinkReport, at: datetime) -> LinkReport:
    """Keep what a run found out; a run that had nothing to do is not one."""
    if report.checked or report.offline:
        LinkRun.objects.create(at=at, checked=report.checked, states=report.states, offline=report.offline)
        LinkRun.objects.exclude(pk__in=LinkRun.objects.values("pk")[:KEEP_RUNS]).delete()
    return report


def ask_for(resources: Iterable[int] | None = None) -> int:
    """Have links looked at in the next run, some or all that do not work; how many."""
    found = LinkCheck.objects.exclude(state=LinkCheck.State.OK)
    if resources is not None:
        found = LinkCheck.objects.filter(resource__in=resources)
    return found.update(wanted=True)


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
            "checks": (before.checks if before else 0) + 1,
            "failures": (before.failures if before else 0) + 1 if failing else 0,
            "wanted": False,
        },
    )
