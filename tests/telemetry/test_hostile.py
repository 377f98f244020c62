"""A thousand hostile bodies (ten thousand in the benches): no failure of ours, the issue named, the good kept."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from django.test import Client

from telemetry import worker
from telemetry.models import Ping
from tests.telemetry.builders import a_metric, an_indicator
from tests.telemetry.hostile import hostile_bodies

BODIES = 1_000
MOST_MEMORY = 400 * 1024 * 1024


@pytest.mark.django_db
def test_no_hostile_body_is_a_failure_and_each_issue_is_named(client: Client, options: Any) -> None:
    options(rate_address=0, rate_installation=0)
    an_indicator()
    a_metric("database.pg_system_id", slot=5)
    wanted: dict[int, str] = {}
    refused = 0
    for hostile in hostile_bodies(BODIES):
        headers = {"Content-Encoding": hostile.encoding} if hostile.encoding else {}
        response = client.post("/usage_data", hostile.body, content_type="application/json", headers=headers)
        assert response.status_code in {201, 400, 413, 415}, (hostile.name, response.content[:200])
        if response.status_code == 201:
            if hostile.issue:
                wanted[response.json()["conv_index"]["usage_data_id"]] = hostile.issue
        else:
            refused += 1
            assert response.json()["detail"]
            assert not hostile.issue, (hostile.name, response.content[:200])
    assert refused > 100
    worker.read_all()
    pings = {ping.pk: ping for ping in Ping.objects.all()}
    assert len(pings) > 300
    assert [ping for ping in pings.values() if ping.state == Ping.State.FAILED] == []
    for ping_id, issue in wanted.items():
        assert issue in pings[ping_id].issue_counts, (ping_id, issue, pings[ping_id].issue_counts)
    good = [pings[ping_id] for ping_id in wanted if pings[ping_id].hostname.startswith("hostile-")]
    assert len(good) > 100
    assert all((ping.values_ok or 0) >= 1 for ping in good)


@pytest.mark.parametrize("name", ["gzip bomb", "brackets", "many keys", "long keys nested"])
def test_no_body_takes_memory_without_bound(name: str) -> None:
    from telemetry.accepting import Refused, decompress, prepare
    from telemetry.conf import options
    from telemetry.reading.classify import classify
    from telemetry.reading.document import parse
    from telemetry.reading.inflate import TooLarge, inflate
    from tests.telemetry.hostile import KEPT
    from tests.telemetry.reading.plans import plan

    hostile = next(each for each in KEPT if each.name == name)
    tracemalloc.start()
    try:
        body = inflate(hostile.body, hostile.encoding, options.max_body)
        classify(parse(decompress(prepare(body).stored)), plan())
    except (Refused, TooLarge):
        pass
    finally:
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST_MEMORY
