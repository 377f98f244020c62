"""Checks the links of the catalog and keeps what was found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from stages.conf import handbook_url, longest_crawl_delay, private_hosts
from stages.linkcheck.fetching import Fetcher, host_of
from stages.linkcheck.pace import Pace
from stages.linkcheck.rules import Verdict
from stages.links import target_of
from stages.models import LinkCheck, LinkHost, LinkRun, Resource

JOB = "Check links of the catalog"
AGAIN_AFTER = timedelta(days=7)
FAILING_AGAIN_AFTER = timedelta(days=1)
KEEP_RUNS = 50
MOST_PER_RUN = 300
MOST_PER_HOST = 40
LONGEST_RUN = 2 * 60 * 60.0
HOSTS_FOR_OFFLINE = 3
NO_ADDRESS = Verdict(state="refused", sentence="This is no address that can be looked at.")


@dataclass(frozen=True, kw_only=True)
class LinkReport:
    """What a run found.

    ``offline``: the network, not the links, was the trouble, and nothing was judged that lies beyond it. ``left``:
    which links wait for a later run, and why. ``busy``: another run was at work, and this one did nothing.
    """

    checked: int
    states: dict[str, int]
    offline: bool
    left: tuple[str, ...] = ()
    busy: bool = False

    @property
    def sentence(self) -> str:
        """The run in words."""
        if self.busy:
            return "Another run is looking at the links now; what you asked for is looked at by it."
        if self.offline:
            return "This network has no way out: no link could be looked at, and nothing is said about them."
        told = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        return " ".join((f"{self.checked} links looked at" + (f": {told}." if told else "."), *self.left))


def check_links(
    *,
    fetcher: Fetcher | None = None,
    limit: int = MOST_PER_RUN,
    pause: Callable[[float], None] = time.sleep,
    step: Callable[[str], None] = lambda said: None,
) -> LinkReport:
    """Look at the links that are due, longest first; each host in its own pace. The run is kept.

    Due is what was never looked at, what somebody asked for, what fails after a day, and the rest after a week. When
    every host fails for want of a network, earlier results stay as they are. Only one run is at work at a time, so
    that no host is asked by two workers.
    """
    with only_one() as alone:
        if not alone:
            return LinkReport(checked=0, states={}, offline=False, busy=True)
        fetcher = fetcher or Fetcher(allowed=private_hosts(), pace=Pace(longest=longest_crawl_delay()))
        fetcher.pace.sleep = pause
        return Run(fetcher, limit, step).done()


@contextmanager
def only_one() -> Iterator[bool]:
    """A lock of the session: it goes away with the process that holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('stages_check_links'))")
        (alone,) = cursor.fetchone() or (False,)
    try:
        yield bool(alone)
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('stages_check_links'))")


@dataclass(kw_only=True)
class Waiting:
    """An address to look at, and the resources that have it."""

    url: str
    resources: list[Resource] = field(default_factory=list)

    @property
    def host(self) -> str:
        return host_of(self.url)


class Run:
    """One run over what is due. What the network alone says is held back until it is known whether there is one."""

    def __init__(self, fetcher: Fetcher, limit: int, step: Callable[[str], None]) -> None:
        self.fetcher, self.limit, self.step = fetcher, limit, step
        self.pace = fetcher.pace
        self.now = timezone.now()
        self.began = self.pace.clock()
        self.base = handbook_url()
        self.seen: set[int] = set()
        self.asked: Counter[str] = Counter()
        self.closed: set[str] = set()
        self.states: Counter[str] = Counter()
        self.held: list[tuple[Waiting, Verdict]] = []
        self.reached = False

    def done(self) -> LinkReport:
        """Look at everything that is due, and at what somebody asks for meanwhile."""
        left: list[Waiting] = []
        due = list(due_links(self.now)[: self.limit])
        while due:
            left += self.look_at(due)
            asked_meanwhile = due_links(self.now).filter(link_check__wanted=True).exclude(pk__in=self.seen)
            due = list(asked_meanwhile[: max(0, self.limit - len(self.seen))])
        offline = self.is_offline()
        if not offline:
            for waiting, verdict in self.held:
                self.keep(waiting, verdict)
        report = LinkReport(
            checked=self.states.total(),
            states=dict(self.states),
            offline=offline,
            left=() if offline else tuple(self.told(left)),
        )
        return noted(report, self.now)

    def look_at(self, due: Iterable[Resource]) -> list[Waiting]:
        """Look at links, always at one whose host is ready first; those that are left for a later run."""
        waiting = self.sorted_out(due)
        self.recall({one.host for one in waiting})
        left: list[Waiting] = []
        while waiting:
            one = min(waiting, key=lambda one: self.pace.wait_for(one.host))
            waiting.remove(one)
            full = one.host in self.closed or self.asked[one.host] >= MOST_PER_HOST
            late = self.pace.clock() - self.began > LONGEST_RUN
            if full or late or not self.pace.in_time(one.host):
                left.append(one)
                continue
            self.look(one)
        return left

    def sorted_out(self, due: Iterable[Resource]) -> list[Waiting]:
        """The addresses of resources, each once; what is none is judged at once."""
        found: dict[str, Waiting] = {}
        for resource in due:
            self.seen.add(resource.pk)
            url = target_of(resource.url, self.base).href.split("#")[0]
            one = found.setdefault(url, Waiting(url=url))
            one.resources.append(resource)
        for url in [url for url in found if not url.startswith(("http://", "https://"))]:
            self.keep(found[url], NO_ADDRESS)
            for resource in found.pop(url).resources:
                self.step(resource.url)
        return list(found.values())

    def look(self, one: Waiting) -> None:
        """Look at an address when its host's turn comes."""
        if (wait := self.pace.wait_for(one.host)) > 0:
            self.pace.sleep(wait)
        verdict = self.fetcher.check(one.url)
        self.asked[one.host] += 1
        self.pace.took(one.host)
        self.note_hosts()
        if verdict.status == 429:
            # It is asked too often already; the rest of its links wait for another day.
            self.closed.add(one.host)
        for resource in one.resources:
            self.step(resource.url)
        is_outside = one.host not in self.fetcher.opened
        if verdict.is_network and is_outside:
            self.held.append((one, verdict))
            return
        self.reached |= verdict.state != "refused" and is_outside
        self.keep(one, verdict)

    def keep(self, one: Waiting, verdict: Verdict) -> None:
        """Keep a verdict for all that have the address."""
        for resource in one.resources:
            if keep(resource, verdict, self.now):
                self.states[verdict.state] += 1

    def is_offline(self) -> bool:
        """Whether the network has no way out: several hosts were asked, and none of them was reached.

        Where only few were due, others that were reached before are asked too, if it is their turn. Where there are
        no others, the network is as it was at the last run.
        """
        if self.reached or not self.held:
            return False
        hosts = {one.host for one, _ in self.held}
        others = LinkCheck.objects.filter(state__in=(LinkCheck.State.OK, LinkCheck.State.MOVED))
        for check in others.exclude(resource__in=self.seen).select_related("resource").order_by("-checked_at"):
            if len(hosts) >= HOSTS_FOR_OFFLINE or self.reached:
                break
            for one in self.sorted_out([check.resource]):
                self.recall({one.host})
                known = one.host in hosts | self.fetcher.opened
                # One that asked for long pauses would keep the run waiting for an answer that others give as well.
                if not known and self.pace.in_time(one.host):
                    hosts.add(one.host)
                    self.look(one)
        before = LinkRun.objects.first()
        return not self.reached and (len(hosts) >= HOSTS_FOR_OFFLINE or bool(before and before.offline))

    def recall(self, hosts: Iterable[str]) -> None:
        """Take over from earlier runs when they asked the hosts."""
        now = timezone.now()
        for known in LinkHost.objects.filter(host__in=hosts):
            self.pace.recall(known.host, ago=(now - known.asked_at).total_seconds(), delay=known.delay)

    def note_hosts(self) -> None:
        """Keep when hosts were asked, for the next run."""
        now = timezone.now()
        rows = [
            LinkHost(host=host[:255], asked_at=now, delay=self.pace.delays.get(host, 0.0)) for host in self.pace.news
        ]
        self.pace.news.clear()
        LinkHost.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["host"], update_fields=["asked_at", "delay"]
        )

    def told(self, left: Iterable[Waiting]) -> Iterator[str]:
        """Why links were left for a later run, host by host."""
        number: Counter[str] = Counter()
        for one in left:
            number[one.host] += len(one.resources)
        for host, links in sorted(number.items()):
            if host in self.closed:
                why = "answers that it is asked too often"
            elif self.pace.is_slow(host):
                delay, longest = self.pace.delays[host], self.pace.longest
                why = f"asks for {delay:g} seconds between two looks, more than the {longest:g} that a run waits"
            elif self.asked[host] >= MOST_PER_HOST:
                why = f"is asked {MOST_PER_HOST} times a run at most"
            else:
                why = f"was not asked, for the run took {LONGEST_RUN / 3600:g} hours"
            is_are = "link is" if links == 1 else "links are"
            yield f"{host} {why}: {links} {is_are} left for a later run."


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
    if report.checked or report.offline or report.left:
        before = LinkRun.objects.first()
        LinkRun.objects.create(
            at=at,
            checked=report.checked,
            states=report.states,
            offline=report.offline,
            offline_since=((before.offline_since if before else None) or at) if report.offline else None,
            left=list(report.left),
        )
        LinkRun.objects.exclude(pk__in=LinkRun.objects.values("pk")[:KEEP_RUNS]).delete()
    return report


def ask_for(resources: Iterable[int] | None = None) -> int:
    """Have links looked at in the next run, some or all that do not work; how many."""
    found = LinkCheck.objects.exclude(state=LinkCheck.State.OK)
    if resources is not None:
        found = LinkCheck.objects.filter(resource__in=resources)
    return found.update(wanted=True)


def keep(resource: Resource, verdict: Verdict, now: datetime) -> bool:
    """Keep a result; since when it fails is told from run to run. Whether the resource is still there to have one."""
    before = getattr(resource, "link_check", None)
    failing = verdict.state in ("dead", "unreachable")
    since = (before.failing_since if before else None) or now
    with transaction.atomic():
        # A run takes its time: what it began with may be deleted by now.
        if not Resource.objects.select_for_update(no_key=True).filter(pk=resource.pk).values_list("pk"):
            return False
        LinkCheck.objects.update_or_create(
            resource_id=resource.pk,
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
    return True
