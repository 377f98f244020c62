"""The life of months: open, provisional, final, opened again, and what becomes of their figures meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from metrics.definitions.mapping import map_indicator
from metrics.engine.months import MonthError, advance_months, close_month, publish_what_is_final, reopen_month
from metrics.engine.plausibility import check_unchecked, odd
from metrics.engine.rollup import roll_up_dirty
from metrics.figures.asking import questions_from
from metrics.figures.months import month_facts, month_log
from metrics.figures.passport import passport
from metrics.figures.restatements import restatements
from metrics.models import FigureMonth
from metrics.periods import Month
from metrics.tasks import sweep
from portal.models import User
from stages.models import Section
from tests.metrics.world import a_metric, a_smau, a_stage, ask, mapped, report

MAY = Month(2026, 5)


@pytest.mark.django_db
def test_months_follow_the_calendar_and_are_published_when_they_become_final(clock: Any) -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    for day, state, published in (
        ("2026-05-31", "open", 0),
        ("2026-06-01", "open", 0),
        ("2026-06-02", "provisional", 0),
        ("2026-08-08", "provisional", 0),
        ("2026-08-09", "final", 1),
        ("2026-08-10", "final", 0),
    ):
        clock.at(day)
        assert len(advance_months()) == published
        assert (ask().state, FigureMonth.objects.get().state) == (state, state)
    assert ask(**{"as": "published"}).recorded == 10


@pytest.mark.django_db
def test_a_month_is_closed_once_and_reopened_with_a_reason(reviewer: User, clock: Any) -> None:
    smau = a_smau("create")
    clock.at("2026-06-10")
    report("a", "2026-05-04", {smau: 10})
    with pytest.raises(MonthError, match="reason"):
        close_month(month=MAY, actor=reviewer, reason=" ")
    with pytest.raises(MonthError, match="has not begun"):
        close_month(month=Month(2026, 7), actor=reviewer, reason="x")
    with pytest.raises(MonthError, match="never closed"):
        reopen_month(month=MAY, actor=reviewer, reason="x")
    assert ask(**{"as": "published"}).flags == ("not_published",)
    first = close_month(month=MAY, actor=reviewer, reason="all in")
    assert close_month(month=MAY, actor=None, reason="again").published_revision == first.published_revision
    assert ask().state == "final"
    with pytest.raises(MonthError, match="reason"):
        reopen_month(month=MAY, actor=reviewer, reason="")
    reopen_month(month=MAY, actor=reviewer, reason="a mistake")
    assert ask().state == "provisional"
    clock.at("2026-12-01")
    assert advance_months() == []
    report("a", "2026-05-24", {smau: 12})
    assert ask(**{"as": "published"}).recorded == 10
    close_month(month=MAY, actor=reviewer, reason="mended")
    assert ask(**{"as": "published"}).recorded == 12
    log = sorted(change.what for change in month_log(MAY))
    assert log == ["late report", "late report", "published", "published", "reopened"]


@pytest.mark.django_db
def test_the_snapshot_of_a_month_long_past_is_taken_when_it_is_first_asked_for(clock: Any) -> None:
    smau = a_smau("create")
    clock.at("2026-11-28")
    report("a", "2026-05-04", {smau: 10})
    publish_what_is_final([MAY])
    report("a", "2026-05-05", {smau: 11})
    assert (ask(**{"as": "published"}).recorded, ask().recorded) == (10, 11)


@pytest.mark.django_db
def test_a_mapping_that_changes_restates_closed_months_from_the_month_named(reviewer: User) -> None:
    smau = a_smau("create")
    other = a_metric("usage.other")
    for month in ("04", "05"):
        report("a", f"2026-{month}-04", {smau: 10, other: 7})
        close_month(month=Month(2026, int(month)), actor=None, reason="all in")
    map_indicator(
        kind="smau", subject_key="create", metric=other, from_month=date(2026, 5, 1), reason="better", actor=reviewer
    )
    assert (ask().recorded, ask(month="2026-04").recorded) == (7, 10)
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    [change] = restatements(asked)
    assert (change.old, change.new, change.cause, change.who) == (10, 7, "mapping changed", str(reviewer))
    assert ask(**{"as": "published"}).recorded == 10


@pytest.mark.django_db
def test_a_stage_that_moves_restates_the_combined_figure_of_its_section() -> None:
    plan, create = a_smau("plan"), a_smau("create")
    report("a", "2026-05-04", {plan: 40, create: 100})
    close_month(month=MAY, actor=None, reason="all in")
    stage = a_stage("plan")
    stage.section = Section.objects.create(key="ops", name="Ops")
    stage.save()
    dev = {"indicator": "section_cmau", "section": "dev", "stage": ""}
    assert (ask(**dev).recorded, ask(**dev, **{"as": "published"}).recorded) == (100, 140)
    [asked] = questions_from({"indicator": "section_cmau", "section": "dev", "month": "2026-05"})
    [change] = restatements(asked)
    assert (change.old, change.new, change.cause) == (140, 100, "structure changed")
    for question in (asked, replace(asked, published=True)):
        assert passport(question).adds_up


@pytest.mark.django_db
def test_what_looks_odd_is_kept_with_the_month_and_its_numbers() -> None:
    smau = a_smau("create")
    umau = a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    report("a", "2026-05-04", {smau: 10, umau: 7})
    roll_up_dirty()
    [found] = month_facts([MAY])[0].findings
    assert (found["rule"], found["value"], found["limit"]) == ("smau_within_umau", 10, 7)
    report("a", "2026-05-05", {smau: 7, umau: 7})
    roll_up_dirty()
    assert odd([MAY]) == {MAY: []}
    assert month_facts([MAY])[0].findings == ()


@pytest.mark.django_db
def test_the_sweep_looks_at_every_month_that_changed_since_it_was_checked(clock: Any) -> None:
    smau, umau = a_smau("create"), a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    clock.at("2026-06-10 12:00")
    report("a", "2026-05-04", {smau: 10, umau: 7})
    roll_up_dirty(check=False)
    assert month_facts([MAY])[0].findings == ()
    clock.at("2026-06-10 14:00")
    sweep()
    assert len(month_facts([MAY])[0].findings) == 1
    assert check_unchecked() == 0


@pytest.mark.django_db
def test_a_month_that_was_never_published_is_looked_at_again_when_its_mapping_changes() -> None:
    smau, other, umau = a_smau("create"), a_metric("usage.other"), a_metric("usage.anyone")
    mapped(umau, kind="umau", subject="")
    for month in ("04", "05"):
        report("a", f"2026-{month}-04", {smau: 10, other: 17, umau: 10})
    roll_up_dirty()
    assert check_unchecked() == 0
    map_indicator(kind="smau", subject_key="create", metric=other, reason="wider", actor=None, from_month=MAY.first)
    sweep()
    assert [found["rule"] for found in month_facts([MAY])[0].findings] == ["smau_within_umau"]
    assert month_facts([MAY.previous])[0].findings == ()
    # By command, without a worker.
    map_indicator(kind="smau", subject_key="create", metric=smau, reason="back", actor=None, from_month=MAY.first)
    call_command("rollup", stdout=StringIO())
    assert month_facts([MAY])[0].findings == ()


@pytest.mark.django_db
def test_the_sql_of_a_published_figure_gives_what_was_published() -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    close_month(month=MAY, actor=None, reason="all in")
    report("a", "2026-05-25", {smau: 14})
    roll_up_dirty()
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    for question, recorded in ((asked, 14), (replace(asked, published=True), 10)):
        with connection.cursor() as cursor:
            cursor.execute(passport(question).sql)
            assert cursor.fetchone() == (recorded, 1)


@pytest.mark.django_db
def test_restatements_beyond_the_most_are_told_as_one_and_the_newest_each(monkeypatch: pytest.MonkeyPatch) -> None:
    smau = a_smau("create")
    report("a", "2026-05-04", {smau: 10})
    close_month(month=MAY, actor=None, reason="all in")
    for value in (11, 12, 13, 14):
        report("a", f"2026-05-{value}", {smau: value})
        roll_up_dirty()
    [asked] = questions_from({"indicator": "smau", "stage": "create", "month": "2026-05"})
    assert [(one.old, one.new) for one in restatements(asked)] == [(10, 11), (11, 12), (12, 13), (13, 14)]
    monkeypatch.setattr("metrics.figures.restatements.MOST", 2)
    assert [(one.old, one.new, one.cause) for one in restatements(asked)] == [
        (10, 12, "2 earlier changes together"),
        (12, 13, "late report"),
        (13, 14, "late report"),
    ]
