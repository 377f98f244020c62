"""The door for facts: what enters, what stands, and what it makes dirty."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from metrics.engine.pages import unpack
from metrics.facts import (
    Missing,
    ReportFacts,
    erase_installation,
    hold_report,
    record_reports,
    refill_report,
    reject_report,
    release_report,
)
from metrics.labels import label_installation
from metrics.models import DirtyMonth, Installation, InstallationLabel, Report, ReportPage

pytestmark = pytest.mark.django_db


def a_report(uuid: str = "u1", at: str = "2026-10-05 10:00", **rest: Any) -> ReportFacts:
    rest.setdefault("source", f"test:{uuid}:{at}")
    return ReportFacts(
        uuid=uuid,
        hostname="h",
        recorded_at=datetime.fromisoformat(at).replace(tzinfo=UTC),
        **rest,
    )


def dirty() -> set[str]:
    return {f"{month:%Y-%m}" for month in DirtyMonth.objects.values_list("month", flat=True)}


def test_a_report_is_kept_with_its_readings() -> None:
    [kept] = record_reports(
        [a_report(readings={256: 5, 257: Missing.TIMED_OUT, 300: -1, 384: 2**63, 385: Decimal("2.5")}, edition="CE")]
    )
    assert kept.created
    page_2, page_3 = ReportPage.objects.order_by("page")
    assert unpack(page_2.values, bytes(page_2.states), page_2.wide) == {0: 5, 1: Missing.TIMED_OUT, 44: -1}
    assert unpack(page_3.values, bytes(page_3.states), page_3.wide) == {0: 2**63, 1: Decimal("2.5")}
    assert dirty() == {"2026-10"}


def test_the_same_identity_twice_changes_nothing() -> None:
    first = a_report(readings={256: 5}, source="test:1")
    [one] = record_reports([first])
    [again] = record_reports([a_report(readings={256: 9}, source="test:2")])
    assert not again.created
    assert (again.report_id, again.source) == (one.report_id, "test:1")
    assert ReportPage.objects.get().values[0] == 5


def test_the_first_of_equal_identities_in_one_batch_stands() -> None:
    one, two = record_reports([a_report(readings={256: 1}, source="a"), a_report(readings={256: 2}, source="b")])
    assert (one.created, two.created, two.source) == (True, False, "a")
    assert ReportPage.objects.get().values[0] == 1


def test_an_earlier_report_of_the_month_makes_nothing_dirty() -> None:
    record_reports([a_report(at="2026-10-20 10:00")])
    DirtyMonth.objects.all().delete()
    record_reports([a_report(at="2026-10-05 10:00")])
    assert dirty() == set()


def test_a_late_report_dirties_the_month_whose_baseline_it_is() -> None:
    record_reports([a_report(at="2026-11-05 10:00")])
    DirtyMonth.objects.all().delete()
    record_reports([a_report(at="2026-10-05 10:00")])
    assert dirty() == {"2026-10", "2026-11"}


def test_a_held_report_counts_when_it_is_released_and_not_when_it_is_rejected() -> None:
    record_reports([a_report(held="too many users", source="t:1")])
    DirtyMonth.objects.all().delete()
    release_report(source="t:1", actor=None, reason="seen")
    assert Report.objects.get().state == "counted"
    assert dirty() == {"2026-10", "2026-11"}
    DirtyMonth.objects.all().delete()
    assert reject_report(source="t:1", actor=None) == 1
    assert reject_report(source="t:1", actor=None) == 0
    assert dirty() == {"2026-10", "2026-11"}
    hold_report(source="t:1", reason="again")
    assert Report.objects.get().held_reason == "again"


def test_a_sequence_that_has_fallen_behind_is_said_and_not_taken_for_another_writer() -> None:
    [kept] = record_reports([a_report()])
    Installation.objects.create(id=kept.installation_id + 1, uuid="restored", hostname="h")
    with pytest.raises(IntegrityError, match="metrics_installation_pkey"), transaction.atomic():
        record_reports([a_report("u2")])
    assert record_reports([a_report("u3")])[0].created


def test_refilling_adds_numbers_and_replaces_none() -> None:
    record_reports([a_report(readings={256: 5, 257: Missing.WRONG_TYPE}, source="t:1")])
    assert refill_report(source="t:1", readings={256: 7, 257: 8, 512: 9}) == 2
    page = ReportPage.objects.get(page=2)
    assert page.values[:2] == [5, 8]
    assert ReportPage.objects.get(page=4).values[0] == 9
    assert refill_report(source="t:1", readings={256: 7, 257: 8, 512: 9}) == 0


def test_text_that_the_database_cannot_keep_is_mended() -> None:
    record_reports([a_report(uuid="u\x00\ud800", version="1\x00")])
    assert Installation.objects.get().uuid == "u?"


def test_a_report_without_identity_is_refused() -> None:
    with pytest.raises(ValueError, match="uuid and a hostname"):
        record_reports([a_report(uuid=" ")])


def test_absurd_numbers_are_of_the_wrong_type() -> None:
    record_reports([a_report(readings={256: Decimal("1e99999"), 257: True})])
    page = ReportPage.objects.get()
    assert unpack(page.values, bytes(page.states), page.wide) == {0: Missing.WRONG_TYPE, 1: Missing.WRONG_TYPE}


def test_erasing_leaves_neither_name_nor_label_nor_their_history() -> None:
    label_installation(uuid="u1", hostname="h", delivery="saas")
    record_reports([a_report(readings={256: 5}), a_report(at="2026-10-06 10:00")])
    assert erase_installation(uuid="u1", hostname="h", actor=None, reason="asked") == 2
    assert erase_installation(uuid="u1", hostname="h", actor=None, reason="asked") == 0
    assert not Report.objects.exists()
    assert not ReportPage.objects.exists()
    assert not InstallationLabel.objects.exists()
    assert not apps.get_model("metrics", "InstallationLabelEvent").objects.exists()
    assert str(Installation.objects.get()) == "erased"
    assert dirty() == {"2026-10", "2026-11"}


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_installation_follow_each_other() -> None:
    """Side by side neither would see the other's report, and a baseline would be missed."""
    record_reports([a_report(at="2026-09-05 10:00")])
    params = connection.get_connection_params()
    words = {key: params[key] for key in ("dbname", "user", "password", "host", "port") if params.get(key)}
    locked = "SELECT 1 FROM metrics_installation WHERE uuid = %s FOR NO KEY UPDATE NOWAIT"
    with psycopg.connect(**words, autocommit=True) as other:
        with transaction.atomic():
            record_reports([a_report(at="2026-10-05 10:00")])
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(locked, ["u1"])
        assert other.execute(locked, ["u1"]).fetchone() == (1,)
