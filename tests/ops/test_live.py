"""The thin path with live processes: from a ping to its figure without a hand, through a worker's death, under faults.

One portal is started for all of them, on an embedded PostgreSQL of its own; each test has a stage of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import pytest

from portal.backup import restore
from portal.embedded import ensure_running, places
from tests.live.faults import KINDS, account, at_rest, connect, strike
from tests.live.portal import LivePortal, payload, wait_for
from tests.live.senders import Senders, months_back
from tests.ops.conftest import open_folder, put_away
from tests.ops.witness import quiet

PATIENCE = 90.0
"""A sweep comes by every minute; all of this is done within seconds where a hint arrives."""
STAGES = ("along", "hit", "swept", "counted", "away", "full", "struck")
(MONTH,) = months_back(1)


@pytest.fixture(scope="module")
def portal(migrated_file: Path) -> Iterator[LivePortal]:
    """A portal with a stage for each test."""
    folder = open_folder()
    try:
        restore(ensure_running(folder), migrated_file, replace=True, say=quiet)
        portal = LivePortal(folder)
        try:
            portal.token = portal.run(f"from tests.live.world import make_world; print(make_world({STAGES}))").strip()
            portal.wait_until_up()
            yield portal
        finally:
            portal.stop()
    finally:
        put_away(folder)


def a_ping(stage: str, people: int, *, at: datetime = MONTH, **more: object) -> bytes:
    """Of an installation that nobody has heard of."""
    name = str(uuid.uuid4())
    told = payload(
        stage=stage, uuid=name, hostname=f"{name}.example.com", recorded_at=at.isoformat(), people=people, **more
    )
    return json.dumps(told).encode()


def recorded(portal: LivePortal, stage: str, month: datetime = MONTH) -> int | None:
    """The stage's SMAU."""
    number: int | None = portal.figure(stage, f"{month:%Y-%m}")["recorded"]
    return number


def lose_the_hints(portal: LivePortal) -> None:
    """What a killed worker takes along: messages it had taken but not worked on, with the marks that they are there."""
    for kind in ("messages", "wakeups"):
        for file in (portal.data_dir / "broker" / kind).iterdir():
            file.unlink(missing_ok=True)


def test_a_ping_becomes_a_figure_without_a_hand(portal: LivePortal) -> None:
    assert recorded(portal, "along") is None
    assert portal.post(a_ping("along", 120)).status == 201
    wait_for(lambda: recorded(portal, "along") == 120, seconds=PATIENCE)
    assert portal.post(a_ping("along", 45)).status == 201
    wait_for(lambda: recorded(portal, "along") == 165, seconds=PATIENCE)


def test_a_worker_killed_between_acceptance_and_reading_loses_nothing(portal: LivePortal) -> None:
    portal.pause()
    portal.kill("worker", "sweeper")
    assert portal.post(a_ping("swept", 70)).status == 201
    lose_the_hints(portal)
    assert recorded(portal, "swept") is None
    portal.resume()
    portal.send("telemetry.tasks.sweep", "sweep")
    wait_for(lambda: recorded(portal, "swept") == 70, seconds=PATIENCE)


def test_a_worker_killed_between_reading_and_roll_up_loses_nothing(portal: LivePortal) -> None:
    portal.pause()
    portal.kill("worker", "sweeper")
    assert portal.post(a_ping("counted", 80)).status == 201
    portal.run("from telemetry.worker import read_all; assert read_all() >= 1")
    lose_the_hints(portal)
    assert recorded(portal, "counted") is None
    assert not at_rest(portal), "the month is noted as one that has to follow"
    portal.resume()
    portal.send("metrics.tasks.sweep", "sweep")
    wait_for(lambda: recorded(portal, "counted") == 80, seconds=PATIENCE)


def test_a_killed_task_process_never_leaves_the_others_waiting_for_ever(portal: LivePortal) -> None:
    wait_for(lambda: len(portal.family("worker")) == 3, seconds=PATIENCE)
    main, *processes = portal.family("worker")
    # Idle ones wait at a lock that one of them holds; a worker that went on with the rest could wait for ever.
    os.kill(processes[0], signal.SIGKILL)
    wait_for(lambda: portal.children.get("worker", main) != main, seconds=PATIENCE)
    assert portal.post(a_ping("hit", 90)).status == 201
    wait_for(lambda: recorded(portal, "hit") == 90, seconds=PATIENCE)


def test_without_its_database_the_portal_asks_for_patience_and_never_says_yes(portal: LivePortal) -> None:
    body = a_ping("away", 60)
    supervisor = json.loads(places.settle(portal.data_dir).state.read_text())["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    try:
        assert strike(portal, "PostgreSQL", random.Random(1))
        # Those whom it started may finish what they are at, and then go too.
        wait_for(lambda: portal.post(body).status == 503, seconds=PATIENCE)
        for _ in range(5):
            answer = portal.post(body)
            assert answer.status == 503
            assert int(answer.retry_after) > 0
            assert b"cannot be reached" in answer.body
        with pytest.raises(HTTPError) as refused:
            portal.figure("away", f"{MONTH:%Y-%m}")
        assert refused.value.code == 503
        refused.value.close()
    finally:
        os.kill(supervisor, signal.SIGCONT)
    wait_for(lambda: portal.post(body).status == 201, seconds=PATIENCE)
    wait_for(lambda: recorded(portal, "away") == 60, seconds=PATIENCE)


@contextlib.contextmanager
def a_small_disk(portal: LivePortal, month: datetime) -> Iterator[None]:
    """The bodies of a month lie on a disk of one megabyte; afterwards there is room again."""
    where = places.settle(portal.data_dir)
    folder = portal.data_dir / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "stageboard-small", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    table = f"telemetry_rawbody_{month:%Y_%m}"
    try:
        where.account.own(folder)
        with connect(portal) as link:
            link.execute("SELECT telemetry_make_partition(%s)", [month])
            link.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            link.execute(f"ALTER TABLE {table} SET TABLESPACE small")
        yield
        with connect(portal) as link:
            link.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            link.execute("DROP TABLESPACE small")
            # A recovery begins here, and so never asks for the disk that has gone.
            link.execute("CHECKPOINT")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_pings_and_costs_none_that_was_accepted(portal: LivePortal, as_root: None) -> None:
    month = months_back(8)[0]
    accepted: dict[int, bytes] = {}
    with a_small_disk(portal, month):
        while True:
            body = a_ping("full", 30, at=month, noise=secrets.token_hex(60_000))
            answer = portal.post(body)
            if answer.status != 201:
                break
            accepted[answer.ping_id] = body
        assert answer.status == 503
        assert int(answer.retry_after) > 0
        assert b"disk of the database is full" in answer.body
        assert len(accepted) > 5
    assert portal.post(body).status == 201
    # Those that were accepted are the same ones still.
    assert [portal.post(each).ping_id for each in accepted.values()] == list(accepted)
    people = 30 * (len(accepted) + 1)
    wait_for(lambda: recorded(portal, "full", month) == people, seconds=PATIENCE)


def test_under_faults_every_acknowledged_ping_is_there_once_and_every_figure_is_right(portal: LivePortal) -> None:
    chance = random.Random(20261128)
    months = months_back(4)
    with Senders(portal, stage="struck", months=months, count=4, installations=20, seed=7) as senders:
        for kind in chance.sample(list(KINDS), len(KINDS)):
            time.sleep(chance.uniform(0.2, 0.8))
            wait_for(partial(strike, portal, kind, chance), seconds=PATIENCE)
        wait_for(portal.healthy, seconds=PATIENCE)
        time.sleep(0.5)
    ledger = senders.ledger
    assert len(ledger.acknowledged) > 50
    assert ledger.unanswered, "a server that was killed answers nobody"
    wait_for(lambda: at_rest(portal), seconds=PATIENCE)
    assert account(portal, ledger, "struck") == []
