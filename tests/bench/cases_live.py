"""The running portal: from acceptance to figure at rest and under a burst, and its memory over many pings."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType

from django.db import connection

from tests.bench.harness import Bench, Row, case, part
from tests.bench.load import LEAVES, STAGE, burst, key_paths, middle
from tests.live.portal import LivePortal, payload, resident, wait_for
from tests.live.world import define

BURST = 20_000
ALL = 100_000
SMALL = 100
"""Leaves of the pings that come after the burst: what grows with pings would grow with these too."""
DEFINED = 150
PATIENCE = 900.0
FLAT = 1.1


class Watch:
    """Looks again and again, in a thread, until the end of the block."""

    def __init__(self, look: Callable[[], None], every: float) -> None:
        self.look, self.every = look, every
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.over.wait(self.every):
            self.look()

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.thread.join()


class Figure:
    """The SMAU of the stage in which each ping counts one person, as the API gives it: how many can be seen."""

    def __init__(self, portal: LivePortal) -> None:
        self.portal = portal
        self.month = f"{datetime.now(UTC):%Y-%m}"
        self.seen: list[tuple[float, int]] = []

    def now(self) -> int:
        """How many now."""
        return int(self.portal.figure(STAGE, self.month)["recorded"] or 0)

    def beyond(self, before: int) -> bool:
        """Whether there are more now."""
        return self.now() > before

    def look(self) -> None:
        """Note when how many were seen."""
        self.seen.append((time.time(), self.now()))


def lags(seen: Sequence[tuple[float, int]], accepted: Sequence[float], before: int) -> list[float]:
    """Seconds from the n-th acknowledgement until ``n`` more than before were seen, for every n."""
    looks = iter(seen)
    moment, count = next(looks)
    found = []
    for number, at in enumerate(accepted, start=1):
        while count < before + number:
            moment, count = next(looks)
        found.append(max(0.0, moment - at))
    return found


def draining(seen: Sequence[tuple[float, int]], after: float) -> str:
    """How quickly the rest was drained once no more came, in words."""
    late = [look for look in seen if look[0] >= after]
    count = late[-1][1] - late[0][1]
    seconds = late[-1][0] - late[0][0]
    return f"{count / seconds:,.0f} /s once no more came" if count and seconds else "nothing left once no more came"


def one_by_one(portal: LivePortal, figure: Figure, count: int) -> list[float]:
    """Seconds from the acknowledgement of a ping until its figure has it, with nothing else to do."""
    found = []
    for _ in range(count):
        time.sleep(0.5)
        before = figure.now()
        name = str(uuid.uuid4())
        told = payload(
            stage=STAGE, uuid=name, hostname="rest.example.com", recorded_at=datetime.now(UTC).isoformat(), people=1
        )
        answer = portal.post(json.dumps(told).encode())
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")
        found.append(wait_for(partial(figure.beyond, before), seconds=120, every=0.02))
    return found


class Memory:
    """Resident memory of the processes that do the work, as time goes by."""

    def __init__(self, portal: LivePortal) -> None:
        self.portal = portal
        self.samples: dict[str, list[float]] = defaultdict(list)
        self.pids: dict[str, set[int]] = defaultdict(set)

    def look(self) -> None:
        """The largest of each part."""
        for which in ("web", "worker"):
            pids = self.portal.family(which)[1:]
            self.pids[which].update(pids)
            self.samples[which].append(max((resident(pid) for pid in pids), default=0.0))

    def row(self, which: str, words: str, count: int) -> Row:
        """Its median and range, and whether the last tenth is as the second; in the first caches fill."""
        samples = self.samples[which]
        tenth = max(1, len(samples) // 10)
        early, late = middle(samples[tenth : 2 * tenth]), middle(samples[-tenth:])
        return Row(
            work=f"resident memory of {words}, the largest, over {count:,} pings",
            samples=samples,
            unit="MB",
            budget="< 300 MB, flat",
            met=max(samples) < 300 and late <= early * FLAT,
            note=f"{early:.0f} MB in the second tenth, {late:.0f} in the last; {len(self.pids[which])} processes",
        )


def open_pages(portal: LivePortal) -> None:
    """Pages with charts, which bring the largest library into the web workers; often enough to meet each of them."""
    import http.client

    from django.conf import settings
    from django.test import Client

    from portal.models import User

    client = Client()
    client.force_login(User.objects.get(username="live-reader"), "django.contrib.auth.backends.ModelBackend")
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    for _ in range(10):
        for path in (f"/stages/{STAGE}/", f"/figures/smau.{STAGE}.{datetime.now(UTC):%Y-%m}/", "/"):
            link = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=60)
            link.request("GET", path, headers={"Cookie": cookie})
            answer = link.getresponse()
            answer.read()
            link.close()
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}")


def lost(accepted: int) -> str:
    """In what the database differs from what was acknowledged; empty where nothing does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'read'), count(DISTINCT uuid),"
            " (SELECT count(*) FROM telemetry_rawbody), (SELECT count(*) FROM metrics_report) FROM telemetry_ping"
        )
        found = dict(zip(("stored", "read", "installations", "bodies", "reports"), cursor.fetchone(), strict=True))
    wrong = {what: count for what, count in found.items() if count != accepted}
    return f"{accepted:,} acknowledged, but {wrong}" if wrong else ""


@case("live", order=30)
def live(bench: Bench) -> list[Row]:
    """A portal as `make serve` runs it: two web workers, two task processes, sweeper and beat, with pings that each
    count one person in a stage, so that the stage's SMAU, asked from the API over HTTP, is the number of pings that
    can be seen. Nobody helps: the hint of an accepted ping wakes the reading, that of a recorded report the roll-up.

    *Accepted to visible, at rest* is the time from the acknowledgement of one ping until the figure has it, first in
    an empty portal, then among 20,000 installations. The *burst* is 20,000 pings of 2,000 leaves from 8 connections as
    quickly as they are taken; its rate until all are visible is counted from the first acknowledgement to the moment
    when the figure is complete, and the lag is that of the n-th acknowledged ping until n more can be seen, looked for
    every half second. Then smaller pings make up 100,000, while the memory of the largest web worker and the largest
    task process is looked at every second, pages with charts are opened on the way, and afterwards everything
    acknowledged must be there once. Senders, web, workers and PostgreSQL share the machine.
    """
    from tests.builders import a_token, a_user

    define([STAGE], key_paths(DEFINED))
    many, all_pings, rests = (500, 2_000, 4) if bench.quick else (BURST, ALL, 15)
    portal = LivePortal(bench.folder, database_url=os.environ["DATABASE_URL"])
    try:
        portal.token, _ = a_token(a_user("live-reader", "viewer"))
        portal.wait_until_up()
        figure, memory = Figure(portal), Memory(portal)
        one_by_one(portal, figure, 1)
        open_pages(portal)
        with Watch(memory.look, 1.0):
            alone = one_by_one(portal, figure, rests)
            bench.say(f"  at rest: {middle(alone):.2f} s; a burst of {many:,}")
            before = figure.now()
            figure.look()
            with Watch(figure.look, 0.5):
                accepted = burst(portal.port, "/usage_data", count=many)
                bench.say(f"  accepted at {many / (accepted[-1] - accepted[0]):,.0f} a second; waiting for the figure")
                wait_for(lambda: figure.seen[-1][1] >= before + many, seconds=PATIENCE, every=0.5)
            among = one_by_one(portal, figure, rests)
            open_pages(portal)
            sent = figure.now()
            bench.say(f"  all seen after {figure.seen[-1][0] - accepted[0]:.0f} s; {all_pings - sent:,} smaller ones")
            burst(portal.port, "/usage_data", count=all_pings - sent, leaves=SMALL)
            wait_for(lambda: figure.now() >= all_pings, seconds=PATIENCE, every=1.0)
            open_pages(portal)
        seen, wrong = figure.now(), lost(all_pings)
    finally:
        portal.stop()
    return [
        rest("in an empty portal", alone),
        rest(f"among {many:,} installations", among),
        *burst_rows(many, accepted, figure.seen, before),
        Row(
            work="acknowledged pings in the figure, at the end",
            samples=[float(seen)],
            unit="pings",
            budget="nothing lost, nothing twice",
            met=seen == all_pings and not wrong,
            note=wrong or f"of {all_pings:,}, each stored, read and recorded once",
        ),
        memory.row("web", "a web worker", all_pings),
        memory.row("worker", "a task process", all_pings),
    ]


def burst_rows(many: int, accepted: Sequence[float], seen: Sequence[tuple[float, int]], before: int) -> list[Row]:
    """How quickly a burst was taken, how quickly its figure had it, and how long each ping took to be seen."""
    waits = sorted(lags(seen, accepted, before))
    all_seen = seen[-1][0] - accepted[0]
    return [
        Row(
            work=f"burst of {many:,} pings of {LEAVES:,} leaves, accepted",
            samples=[many / (accepted[-1] - accepted[0])],
            unit="/s",
        ),
        Row(
            work="… until the figure has all of them",
            samples=[many / all_seen],
            unit="/s",
            note=f"{all_seen:.0f} s; {draining(seen, accepted[-1])}",
        ),
        Row(
            work="… lag from acceptance to figure",
            samples=waits[:: max(1, len(waits) // 500)],
            unit="s",
            note=f"p50 {part(waits, 50):.1f} s, p99 {part(waits, 99):.1f} s",
        ),
    ]


def rest(where: str, samples: Sequence[float]) -> Row:
    """Accepted to visible."""
    return Row(
        work=f"accepted to visible, at rest, {where}",
        samples=samples,
        unit="s",
        budget="< 5 s",
        met=max(samples) < 5,
    )
