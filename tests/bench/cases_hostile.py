"""Hostile bodies through the whole portal."""

from __future__ import annotations

import resource
import time

from tests.bench.harness import Bench, Row, case

HOSTILE = 10_000


@case("hostile", order=45)
def hostile(bench: Bench) -> list[Row]:
    """A corpus that is kept and a generator that bends good pings (`tests/telemetry/hostile.py`), posted in process
    through all middleware, then read. No answer may be a 5xx and no ping may fail to be read; the time is that of the
    slowest answer. The suite runs a thousand of them and looks that each issue is named.
    """
    from django.test import Client

    from telemetry import worker
    from telemetry.limits import limiter
    from telemetry.models import Ping
    from tests.telemetry.hostile import hostile_bodies

    client = Client(raise_request_exception=False)
    failures: set[str] = set()
    times: list[float] = []
    count = 500 if bench.quick else HOSTILE
    for number, each in enumerate(hostile_bodies(count)):
        if number % 500 == 0:
            limiter.forget()
        headers = {"Content-Encoding": each.encoding} if each.encoding else {}
        begun = time.perf_counter()
        response = client.post("/usage_data", each.body, content_type="application/json", headers=headers)
        times.append((time.perf_counter() - begun) * 1000)
        if response.status_code >= 500:
            failures.add(each.name)
    worker.read_all()
    states = Ping.objects.values_list("state", flat=True)
    failed = sum(state == Ping.State.FAILED for state in states)
    waiting = sum(state == Ping.State.ACCEPTED for state in states)
    return [
        Row(
            work=f"{count:,} hostile bodies, the slowest answer",
            samples=[max(times)],
            unit="ms",
            budget="no 5xx, none fails to be read",
            met=not failures and not failed and not waiting,
            note=f"{len(failures)} kinds answered 5xx {', '.join(sorted(failures)[:3])}, {failed} failed to be read"
            if failures or failed
            else f"{len(states):,} accepted and read, the others refused",
        ),
        Row(
            work="… the most memory that their process ever held",
            samples=[resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024],
            unit="MB",
        ),
    ]
