"""A synthetic month: 150 metrics of 28 days, many installations, and the leanest SQL for their recorded sums."""

from __future__ import annotations

from django.db import connection

from metrics.models import IndicatorMapping, MetricDefinition, MetricSlot
from metrics.periods import Month
from stages.models import Section, Stage

MONTH = Month(2026, 9)
PAGES = {2: 128, 4: 22}
"""One page of metrics and a bit."""
SLOTS = [page * 128 + index for page, width in PAGES.items() for index in range(width)]


def define() -> None:
    """150 metrics, the first of which is a stage's SMAU."""
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
    """Two reports of each of so many installations, and a list of subscriptions, written by the database.

    A tenth of the readings is missing, and a tenth of the installations shares its subscription with another.
    """
    statements = (
        "TRUNCATE metrics_installation, metrics_report, metrics_reportpage, metrics_subscription CASCADE",
        "INSERT INTO metrics_installation (id, uuid, hostname, first_seen_at)"
        " SELECT i, 'bench-' || i, 'host-' || i, now() FROM generate_series(1, %(number)s) i",
        "INSERT INTO metrics_report (installation_id, recorded_at, month, iso_year, iso_week, population, state,"
        " held_reason, version, version_number, edition_raw, edition, tier, notes, license_plan, subscription, source,"
        " stored_at, judged_reason)"
        " SELECT i, timestamptz '2026-09-01 00:00Z' + (week * 7 + i %% 7) * interval '1 day', '2026-09-01', 2026,"
        " 36 + week, 'all', 'counted', '', '', (12 + i %% 3) * 1000 + i %% 13, '',"
        " CASE WHEN i %% 3 = 0 THEN 'CE' ELSE 'EE' END, (ARRAY['free', 'premium', 'ultimate'])[1 + i %% 3], '{}', '',"
        " CASE WHEN i %% 3 = 0 THEN '' ELSE 'sub-' || (i - (i %% 20 = 2)::int) END, 'bench:' || i, now(), ''"
        " FROM generate_series(2, 3) week, generate_series(1, %(number)s) i",
        'INSERT INTO metrics_reportpage (report_id, page, "values", states) SELECT r.id, p.page, a.numbers,'
        " decode(a.states, 'hex') FROM metrics_report r, (VALUES (2, 128), (4, 22)) AS p(page, used), LATERAL ("
        "  SELECT array_agg(CASE WHEN k <= p.used AND (r.id * 31 + k * 17) %% 10 > 0 THEN r.id * k %% 1000 ELSE 0 END"
        "  ORDER BY k) AS numbers, string_agg(CASE WHEN k > p.used THEN '01' WHEN (r.id * 31 + k * 17) %% 10 = 0"
        "  THEN '02' ELSE '00' END, '' ORDER BY k) AS states FROM generate_series(1, 128) k) a",
        "INSERT INTO metrics_subscription (subscription_id, account, plan, seats, starts_on, delivery, imported_at)"
        " SELECT 'sub-' || i, 'account-' || i / 3, 'premium', 1 + i %% 500, '2020-01-01', 'self_managed', now()"
        " FROM generate_series(1, %(number)s) i",
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, {"number": number})
        cursor.execute("ANALYZE")


def forget_rolled() -> None:
    """As if the month had never been rolled up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE metrics_figuremonth, metrics_monthrevision, metrics_monthreport, metrics_cell, metrics_cellcount,"
            " metrics_subscriptionmonth, metrics_reportedmonth, metrics_firstversions CASCADE"
        )


def leanest() -> None:
    """The recorded sums of all metrics in the finest cut, of which any cut is a sum.

    It chooses no reports, since it reads which count from the roll-up; it counts nothing, estimates nothing, writes
    nothing, and takes missing readings as the zeros that stand in their places. One statement that reads each reading
    once and may use several processors; of the ways to write it (a join per page, a statement per page) none was
    quicker.
    """
    sums = ", ".join(f'sum(p."values"[{place}])' for place in range(1, 129))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.page, m.delivery, m.edition, m.tier, m.version_number, {sums} FROM metrics_monthreport m"
            " JOIN metrics_reportpage p ON p.report_id = m.report_id AND p.page = ANY(%s)"
            " WHERE m.month = %s AND m.to_revision IS NULL GROUP BY 1, 2, 3, 4, 5",
            [list(PAGES), MONTH.first],
        )
        cursor.fetchall()
