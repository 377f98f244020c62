"""The telemetry's part of the demo world: the reports of its installations, through the door that real ones take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from http import HTTPStatus
from itertools import islice

import orjson
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F
from django.test import RequestFactory
from django.utils import timezone

from metrics.engine.months import advance_months
from metrics.engine.rollup import roll_up_dirty
from metrics.imports import import_readings, import_subscriptions
from metrics.labels import label_installation
from telemetry.accepting import accept, prepare
from telemetry.demo.world import Ping as Sent
from telemetry.demo.world import World, first_of_month, last_month, make_world
from telemetry.importing import import_parts, read_parts
from telemetry.metadata import count_reports
from telemetry.models import ErrorReport, MetadataReport, Ping
from telemetry.verbs.quantiles import compute_quantiles
from telemetry.verbs.unknown import fold_unknown
from telemetry.versions import import_releases
from telemetry.wire_reports import errors, metadata
from telemetry.worker import read_batch

Say = Callable[[str], None]

CHUNK = 500
MONTHS_BACK = 60
"""How far back a world of an earlier month is looked for."""


def run(say: Say) -> None:
    """Send, read and count the world of last month, unless a world is there; a second time nothing changes."""
    today = timezone.now().date()
    world = make_world(last_month(today), until=today)
    if (month := standing(world)) is not None:
        say(f"The world of {month:%B %Y} is there")
        if month != world.month:
            say(f"An empty data folder would get that of {world.month:%B %Y}")
        return
    build(world, say)


def standing(world: World) -> date | None:
    """The month of the world that is already there whole; its last report came last, so that one is asked for."""
    if not Ping.objects.filter(uuid=world.saas.uuid, hostname=world.saas.hostname).exists():
        return None
    for back in range(MONTHS_BACK):
        earlier = make_world(first_of_month(world.month, -back)) if back else world
        if _is_there(earlier.late_report()):
            return earlier.month
    return None


def _is_there(sent: Sent) -> bool:
    return Ping.objects.filter(uuid=sent.uuid, hostname=sent.hostname, recorded_at=sent.recorded_at).exists()


def build(world: World, say: Say) -> None:
    """Everything of a world, in the order in which it happened. What an interrupted run left is taken up again."""
    name_releases(world)
    for label in world.labels:
        label_installation(
            uuid=label.uuid,
            hostname=label.hostname,
            delivery=label.delivery,
            exclude=label.exclude or None,
            reason=label.exclude or "The vendor's own installation",
        )
    listed = import_subscriptions(content=world.subscriptions_csv().encode())
    counted = import_readings(content=world.readings_csv().encode())
    for outcome in (listed, counted):
        if outcome.faults:
            raise RuntimeError(f"the demo's own list was refused: {outcome.faults[0]}")
    say(f"{listed.created} subscriptions; {counted.created} readings of paying people on SaaS")
    send(world.pings(), say)
    send([world.spoofed()])
    bundle = import_parts(
        read_parts([("ten-weeks.ndjson.gz", world.offline_bundle())]), channel=Ping.Channel.UPLOAD.value
    )
    say(f"A bundle of {len(bundle.results)} weeks from an installation without a line to the outside")
    held = Ping.objects.filter(state=Ping.State.QUARANTINED).count()
    say(f"{Ping.objects.count():,} pings are there; {held} in quarantine")
    tell_of_trouble(world, say)
    compute_quantiles()
    roll_up_dirty(task="demo", say=lambda words: say(f"Figures: {words}"))
    published = advance_months()
    say(f"{len(published)} months are older than ten weeks: published")
    send([world.late_report()])
    roll_up_dirty(task="demo")
    say(f"A report of {world.late_month:%B %Y} came late: a restatement")


def name_releases(world: World) -> None:
    """The releases that there are, so that an invented version is seen to be one."""
    import_releases(
        entries=[
            {
                "version": release.version,
                "released_on": release.released_on,
                "supported_until": release.supported_until,
                "security": release.security,
                "vulnerable": release.vulnerable,
                "critical_vulnerability": release.critical,
                "details": release.details,
            }
            for release in world.releases
        ]
    )


def tell_of_trouble(world: World, say: Say) -> None:
    """What senders report beside their pings: seconds of each metric, and errors. These have no identity: only once."""
    if MetadataReport.objects.exists() or ErrorReport.objects.exists():
        return
    factory = RequestFactory()
    for view, reports in ((metadata, world.metadata()), (errors, world.errors())):
        for report in reports:
            request = factory.post("/", data=orjson.dumps(report), content_type="application/json")
            request.user = AnonymousUser()
            answer = view(request)
            if answer.status_code != HTTPStatus.CREATED:
                raise RuntimeError(f"the demo's own report was refused: {answer.content!r}")
    say(f"{count_reports()} reports on the cost of metrics, {ErrorReport.objects.count()} on failed pings")


def send(pings: Iterable[Sent], say: Say | None = None) -> None:
    """Accept pings as they arrive and read them, chunk by chunk; says each month that has begun."""
    month = None
    source = iter(pings)
    while chunk := list(islice(source, CHUNK)):
        ids = _accept_all(chunk)
        while ids and read_batch(CHUNK, ids=ids):
            pass
        _as_if_read_then(chunk[0].received_at)
        reached = first_of_month(chunk[-1].received_at.date())
        if say is not None and reached != month:
            month = reached
            say(f"Pings of {month:%B %Y} …")
    fold_unknown()


def _as_if_read_then(since: datetime) -> None:
    """The worker of the demo's past was as quick as that of today: two seconds after a ping came, it was read."""
    Ping.objects.filter(received_at__gte=since, read_at__gt=F("received_at") + timedelta(minutes=1)).update(
        read_at=F("received_at") + timedelta(seconds=2)
    )


@transaction.atomic
def _accept_all(chunk: Iterable[Sent]) -> list[int]:
    """Store these pings with one commit; the ids of those that were not there."""
    fresh = []
    for sent in chunk:
        accepted = accept(prepare(sent.body), channel=Ping.Channel.HTTP.value, received_at=sent.received_at, hint=False)
        if accepted.fresh:
            fresh.append(accepted.ping_id)
    return fresh
