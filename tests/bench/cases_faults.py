"""Faults in full: everything of a portal is killed at random moments under load, and then the books are balanced."""

from __future__ import annotations

import os
import time

from tests.bench.harness import Bench, Row, case
from tests.live.faults import account, at_rest, strike_for
from tests.live.portal import LivePortal, wait_for
from tests.live.senders import Senders, months_back

SEED = 20261128
SENDERS = 8
SECONDS = 75.0
PATIENCE = 240.0


@case("faults", order=40)
def faults(bench: Bench) -> list[Row]:
    """A portal on an embedded PostgreSQL of its own, as `make serve` starts it: two web workers, two task processes,
    the sweeper, beat and the database's supervisor. Eight senders post pings of installations over four months, repeat
    whatever was not acknowledged until it is, and now and then send again what was. Meanwhile SIGKILL hits, at random
    moments of a fixed seed, a web worker, the web server, a task process, the task worker, PostgreSQL's first process
    and one of its others, each as often as the next.

    Afterwards every acknowledged ping must be stored once under the number that its sender was told, with one body
    and one report; no ping may be there that no sender knows; and every figure must equal the sums that the senders
    made of what they sent. *Until nothing waits* is the time from the last ping to an empty backlog, without a hand: a
    hint that was lost with its worker costs up to a minute there, until the sweep comes by.
    """
    os.environ.pop("DATABASE_URL")
    portal = LivePortal(bench.folder, prepare=True)
    months = months_back(4)
    seconds = 8.0 if bench.quick else SECONDS
    try:
        portal.wait_until_up()
        portal.token = portal.run("from tests.live.world import make_world; print(make_world(['struck']))").strip()
        bench.say(f"  {seconds:.0f} s under fire")
        with Senders(portal, stage="struck", months=months, count=SENDERS, installations=40, seed=SEED) as senders:
            hits = strike_for(portal, seconds=seconds, pause=(0.5, 4.0), seed=SEED)
            wait_for(portal.healthy, seconds=PATIENCE)
            time.sleep(1)
        bench.say(f"  {len(senders.ledger.acknowledged):,} pings acknowledged; waiting until all are counted")
        waited = wait_for(lambda: at_rest(portal), seconds=PATIENCE, every=0.25)
        wrong = account(portal, senders.ledger, "struck")
    finally:
        portal.stop()
    ledger = senders.ledger
    for line in wrong[:10]:
        bench.say(f"  {line}")
    refused = ledger.statuses[503]
    return [
        Row(
            work="pings acknowledged under faults",
            samples=[float(len(ledger.acknowledged))],
            unit="pings",
            budget="each stored once, every figure right",
            met=not wrong,
            note="; ".join(wrong[:2])
            or f"{hits.total()} kills, {ledger.unanswered:,} requests unanswered, {refused:,} answered 503",
        ),
        Row(work="until nothing waits after the last ping", samples=[waited], unit="s"),
    ]
