"""Figures at size: a month of 10,000 and 50,000 installations and 150 metrics against the leanest SQL, one late report
at both sizes, and what readers wait for. It empties the tables of facts first, so it comes last."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.db import connection

from metrics.engine.rollup import roll_up_all, roll_up_dirty, roll_up_month
from metrics.facts import ReportFacts, record_reports
from metrics.figures.asking import questions_from
from metrics.figures.contributions import contributions
from metrics.figures.passport import passport
from metrics.figures.question import parse_id
from metrics.models import IndicatorMapping, MetricDefinition, MetricSlot
from metrics.periods import Month
from portal.models import User
from stages.models import Section, Stage
from tests.bench.harness import Bench, Row, case

MONTH = Month(2026, 9)
SLOTS = [*range(256, 384), *range(512, 534)]
"""150 metrics of 28 days: one page and a bit."""


def empty() -> None:
    """Nothing but 150 metrics, the first of which is a stage's SMAU."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE metrics_installation, metrics_installationlabel, metrics_report, metrics_reportpage,"
            " metrics_refill, metrics_subscription, metrics_dirtymonth, metrics_figuremonth, metrics_monthrevision,"
            " metrics_monthreport, metrics_cell, metrics_cellcount, metrics_subscriptionmonth, metrics_reportedmonth,"
            " metrics_firstversions, metrics_metricslot, metrics_metricdefinition CASCADE"
        )
    definitions = MetricDefinition.objects.bulk_create(
        [
            MetricDefinition(
                key_path=f"bench.metric_{slot}", value_type="number", status="active", time_frame="28d", slot=slot
            )
            for slot in SLOTS
        ]
    )
    MetricSlot.objects.bulk_create([MetricSlot(slot=one.slot or 0, definition=one) for one in definitions])
    section, _ = Section.objects.get_or_create(key="bench", defaults={"name": "Bench"})
    Stage.objects.get_or_create(key="bench", defaults={"name": "Bench", "section": section})
    IndicatorMapping.objects.create(kind="smau", subject_kind="stage", subject_key="bench", metric=definitions[0])


def fill(number: int) -> None:
    """Two reports of each of so many installations in a month, and subscriptions, written by the database."""
    statements = (
        "INSERT INTO metrics_installation (id, uuid, hostname, first_seen_at)"
        " SELECT i, 'bench-' || i, 'host-' || i, now() FROM generate_series(1, %(number)s) i",
        "INSERT INTO metrics_report (installation_id, recorded_at, month, iso_year, iso_week, population, state,"
        " held_reason, version, version_number, edition_raw, edition, tier, notes, license_plan, subscription, source,"
        " stored_at, judged_reason)"
        " SELECT i, timestamptz '2026-09-01 00:00Z' + (week * 7 + i %% 7) * interval '1 day', '2026-09-01', 2026,"
        " 36 + week, 'all', 'counted', '', '', (12 + i %% 3) * 1000 + i %% 13, '',"
        " CASE WHEN i %% 3 = 0 THEN 'CE' ELSE 'EE' END, (ARRAY['free', 'premium', 'ultimate'])[1 + i %% 3], '{}', '',"
        " CASE WHEN i %% 3 = 0 THEN '' ELSE 'sub-' || i END, 'bench:' || i, now(), ''"
        " FROM generate_series(2, 3) week, generate_series(1, %(number)s) i",
        'INSERT INTO metrics_reportpage (report_id, page, "values", states) SELECT r.id, p.page,'
        " (SELECT array_agg(CASE WHEN k <= p.used THEN (r.id * k) %% 1000 ELSE 0 END) FROM generate_series(1, 128) k),"
        " decode(repeat('00', p.used) || repeat('01', 128 - p.used), 'hex')"
        " FROM metrics_report r, (VALUES (2, 128), (4, 22)) AS p(page, used)",
        "INSERT INTO metrics_subscription (subscription_id, account, plan, seats, starts_on, delivery, imported_at)"
        " SELECT 'sub-' || i, 'account-' || i / 3, 'premium', 10, '2020-01-01', 'self_managed', now()"
        " FROM generate_series(1, %(number)s) i",
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, {"number": number})
        cursor.execute("ANALYZE")


def leanest() -> None:
    """The recorded sums and nothing else: no choice of reports, no counts, no estimates, nothing written."""
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off")
        for page, used in ((2, 128), (4, 22)):
            sums = ", ".join(f'sum(p."values"[{place}])' for place in range(1, used + 1))
            cursor.execute(
                f"SELECT m.delivery, m.edition, m.tier, m.version_number, {sums} FROM metrics_monthreport m"
                f" JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = {page}"
                " WHERE m.month = %s AND m.to_revision IS NULL GROUP BY 1, 2, 3, 4",
                [MONTH.first],
            )
            cursor.fetchall()


def late(number: int) -> float:
    """Milliseconds from a late report at the door to the corrected figures."""
    fact = ReportFacts(
        uuid=f"bench-{number}",
        hostname=f"host-{number}",
        recorded_at=datetime(2026, 9, 30, 5, tzinfo=UTC),
        source=f"bench:late-{number}",
        version="13.9",
        edition="EE",
        subscription=f"sub-{number}",
        readings=dict.fromkeys(SLOTS, number),
    )
    begun = time.perf_counter()
    record_reports([fact])
    roll_up_dirty(check=False)
    return (time.perf_counter() - begun) * 1000


@case("figures", order=90)
def figures(bench: Bench) -> list[Row]:
    """Everything that DESIGN 10 asks of figures, on synthetic months."""
    rows: list[Row] = []
    for number in (1_000, 2_000) if bench.quick else (10_000, 50_000):
        empty()
        bench.say(f"  writing a month of {number:,} installations")
        fill(number)
        begun = time.perf_counter()
        roll_up_month(MONTH, whole=True)
        first = time.perf_counter() - begun
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        floor = bench.repeat(leanest)
        again = bench.repeat(lambda: roll_up_month(MONTH, whole=True))
        ratio = sorted(again)[len(again) // 2] / sorted(floor)[len(floor) // 2]
        rows += [
            Row(
                work=f"leanest SQL for the recorded sums, {number:,} installations, 150 metrics",
                samples=floor,
                unit="s",
            ),
            Row(
                work=f"full month, all cuts and grains, {number:,} installations, 150 metrics",
                samples=again,
                unit="s",
                ratio=ratio,
                budget="≤ 3 ×",
                met=ratio <= 3,
                note=f"the first time, writing all rows: {first:.1f} s",
            ),
        ]
        samples = [late(3 * index + 1) for index in range(1, 21)]
        rows.append(
            Row(
                work=f"one late report to corrected figures, among {number:,}",
                samples=samples,
                unit="ms",
                budget="< 50 ms",
                met=sorted(samples)[10] < 50,
            )
        )
    roll_up_all()
    return rows + readers(bench) + size()


def readers(bench: Bench) -> list[Row]:
    """What a reader waits for, with the last and largest month."""
    from django.test import Client

    question = parse_id(f"smau.bench.{MONTH}")

    def first_page() -> None:
        opened = passport(question, with_left_out=False)
        contributions(opened.scope, limit=100)

    user, _ = User.objects.get_or_create(username="bench-reader")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    asked = {"indicator": "smau", "stage": "bench", "month": str(MONTH)}
    if not questions_from(asked):
        raise RuntimeError("there is nothing to ask for")
    waits = []
    for _ in range(20 if bench.quick else 200):
        begun = time.perf_counter()
        answer = client.get("/api/v1/figures/", asked)
        waits.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(answer.content.decode())
    waits.sort()
    return [
        Row(work="passport, first page", samples=[one * 1000 for one in bench.repeat(first_page)], unit="ms"),
        Row(
            work="figure API, in process",
            samples=waits,
            unit="ms",
            note=f"p99 {waits[int(len(waits) * 0.99)]:.1f} ms",
        ),
    ]


def size() -> list[Row]:
    """Bytes on disk per report, its indexes included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (pg_total_relation_size('metrics_report') + pg_total_relation_size('metrics_reportpage'))::float8"
            " / (SELECT count(*) FROM metrics_report)"
        )
        (each,) = cursor.fetchone()
    return [Row(work="disk per report of 150 metrics, without the raw ping", samples=[each / 1024], unit="KB")]
