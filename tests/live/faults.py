"""Faults as they come: a process is gone from one instant to the next. And the account afterwards."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import psycopg

from portal.embedded import places, postmaster
from tests.live.portal import LivePortal, descendants
from tests.live.senders import Identity, Ledger

Victims = Callable[[LivePortal], list[int]]


def web_workers(portal: LivePortal) -> list[int]:
    """The processes that answer; the server starts them again."""
    return portal.family("web")[1:]


def web_server(portal: LivePortal) -> list[int]:
    """The process that holds them; the runner starts it again."""
    return portal.family("web")[:1]


def task_processes(portal: LivePortal) -> list[int]:
    """Those that read and roll up; the worker starts them again."""
    return portal.family("worker")[1:]


def task_worker(portal: LivePortal) -> list[int]:
    """The process that holds them; the runner starts it again."""
    return portal.family("worker")[:1]


def database(portal: LivePortal) -> list[int]:
    """PostgreSQL's first process; its supervisor starts it again."""
    server = postmaster.running(places.settle(portal.data_dir))
    return [server.pid] if server else []


def backends(portal: LivePortal) -> list[int]:
    """PostgreSQL's others: the death of one makes it end all connections and recover."""
    return [pid for first in database(portal) for pid in descendants(first)[1:]]


KINDS: dict[str, Victims] = {
    "web worker": web_workers,
    "web server": web_server,
    "task process": task_processes,
    "task worker": task_worker,
    "PostgreSQL": database,
    "PostgreSQL backend": backends,
}


def strike(portal: LivePortal, kind: str, chance: random.Random) -> bool:
    """Kill one of a kind with SIGKILL; ``False`` where there is none at this moment."""
    with suppress(OSError, ValueError):
        victims = KINDS[kind](portal)
        if victims:
            os.kill(chance.choice(victims), signal.SIGKILL)
            return True
    return False


def strike_for(portal: LivePortal, *, seconds: float, pause: tuple[float, float], seed: int) -> Counter[str]:
    """Kill at random moments for so long, each kind as often as the others; how often each was hit."""
    chance = random.Random(seed)
    hits: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(chance.uniform(*pause))
        fewest = min(hits[kind] for kind in KINDS)
        kind = chance.choice([kind for kind in KINDS if hits[kind] == fewest])
        hits[kind] += strike(portal, kind, chance)
    return hits


def connect(portal: LivePortal) -> psycopg.Connection[tuple[object, ...]]:
    """The embedded database of a portal, past everything else."""
    folder = places.settle(portal.data_dir).socket_folder
    return psycopg.connect(host=str(folder), port=5432, dbname="stageboard", user="stageboard", autocommit=True)


def at_rest(portal: LivePortal) -> bool:
    """Nothing waits to be read or rolled up."""
    with suppress(psycopg.OperationalError), connect(portal) as link:
        row = link.execute(
            "SELECT (SELECT count(*) FROM telemetry_ping WHERE state = 'accepted')"
            " + (SELECT count(*) FROM metrics_dirtymonth)"
        ).fetchone()
        return row == (0,)
    return False


def account(portal: LivePortal, ledger: Ledger, stage: str) -> list[str]:
    """Everything in which the portal differs from what its senders know. Empty is good."""
    wrong = list(ledger.wrong)
    with connect(portal) as link:
        rows = link.execute(
            "SELECT p.id, p.uuid, p.hostname, p.recorded_at, p.state,"
            " (SELECT count(*) FROM telemetry_rawbody b WHERE b.ping_id = p.id),"
            " (SELECT count(*) FROM metrics_report r WHERE r.source = 'telemetry:' || p.id)"
            " FROM telemetry_ping p WHERE p.uuid = ANY(%s)",
            [list({identity[0] for identity in ledger.acknowledged})],
        ).fetchall()
    stored: dict[Identity, int] = {}
    for number, uuid, hostname, recorded_at, state, bodies, reports in rows:
        assert isinstance(recorded_at, datetime)
        identity = (str(uuid), str(hostname), recorded_at.astimezone(UTC))
        if identity in stored:
            wrong.append(f"{identity} is stored twice")
        stored[identity] = int(str(number))
        if (state, bodies, reports) != ("read", 1, 1):
            wrong.append(f"ping {number} is {state}, with {bodies} bodies and {reports} reports")
    for identity, (number, _ping) in ledger.acknowledged.items():
        if stored.get(identity) != number:
            wrong.append(f"{identity} was acknowledged as {number} and is stored as {stored.get(identity)}")
    if extra := set(stored) - set(ledger.acknowledged):
        wrong.append(f"{len(extra)} pings are stored that nobody knows to be")
    for month, people in ledger.sums().items():
        recorded = portal.figure(stage, month)["recorded"]
        if recorded != people:
            wrong.append(f"{month} is {recorded} and should be {people}")
    return wrong
