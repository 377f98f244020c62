"""Subscriptions and readings from files: every faulty line is named, and figures follow."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from metrics.models import Report, Subscription
from tests.metrics.world import a_smau, report

pytestmark = pytest.mark.django_db

HEAD = "subscription_id,account,plan,seats,starts_on,ends_on,delivery\n"


def run(command: str, *arguments: str, **options: Any) -> Any:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO(), json=True, **options)
    return json.loads(out.getvalue())


def figure(**asked: str) -> Any:
    return run("figures", **{"indicator": "smau", "month": "2026-10", "stage": "create", **asked})["results"][0]


def test_subscriptions_make_the_denominator(tmp_path: Path) -> None:
    smau = a_smau("create")
    report("a", "2026-10-05", {smau: 10}, version="13.3", subscription="S1")
    assert figure()["uplift"] == 0
    file = tmp_path / "subscriptions.csv"
    file.write_text(
        HEAD + "S1,A,premium,10,2026-01-01,2026-12-31,self_managed\nS2,B,ultimate,30,2026-10-31,,self_managed\n"
    )
    assert run("import_subscriptions", str(file))["created"] == 2
    assert (figure()["uplift"], figure(grain="version-seat")["uplift"]) == (10, 30)
    assert run("import_subscriptions", str(file))["unchanged"] == 2
    file.write_text(HEAD + "S2,B,ultimate,30,2026-11-01,,self_managed\n")
    assert run("import_subscriptions", str(file))["changed"] == 1
    assert figure()["uplift"] == 0


def test_every_faulty_line_is_named_and_nothing_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "subscriptions.csv"
    file.write_text(
        HEAD
        + "S1,A,premium,10,2026-01-01,,self_managed\n"
        + "S2,A,platinum,-1,2026-02-30,,on_prem\n"
        + "S1,A,premium,10,2026-01-01,,self_managed\n"
        + "S3,A,premium,x,2026-05-01,2026-04-01,saas\n"
        + "S4,A\n"
        + ",A,premium,1,2026-05-01,,saas\n"
    )
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError):
        call_command("import_subscriptions", str(file), stdout=out, stderr=err)
    said = err.getvalue()
    for words in (
        "line 3: plan: 'platinum' is unknown",
        "seats: -1 is less than 0.",
        "starts_on: '2026-02-30' is no date",
        "delivery: 'on_prem' is none",
        "line 4: subscription_id: 'S1' stands on line 2 already.",
        "line 5: seats: 'x' is no whole number.",
        "ends_on: 2026-04-01 lies before starts_on 2026-05-01.",
        "line 6: it has another number of fields",
        "line 7: subscription_id: it is empty.",
    ):
        assert words in said
    assert not Subscription.objects.exists()
    for options, words in (({"dry_run": True}, "a dry run"), ({"good_lines": True}, "faulty ones were refused")):
        assert not Subscription.objects.exists()
        with pytest.raises(CommandError, match=words):
            call_command("import_subscriptions", str(file), stdout=StringIO(), stderr=StringIO(), **options)
    assert Subscription.objects.get().subscription_id == "S1"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"subscription_id,seats\n", "missing: account"), (b"\xff\xfe", "not UTF-8"), (b"", "missing: subscription_id")],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "subscriptions.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        call_command("import_subscriptions", str(file), stdout=StringIO())
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_subscriptions", str(tmp_path / "no.csv"), stdout=StringIO())


READINGS = "uuid,hostname,recorded_at,metric,population,value\n"


def test_good_readings_are_imported_and_the_refused_ones_make_the_command_fail(tmp_path: Path) -> None:
    metric = a_smau("create")
    file = tmp_path / "readings.csv"
    line = "saas,example.com,2026-10-28T12:00:00Z,{},all,5\n"
    file.write_text(READINGS + line.format(metric.key_path) + line.format("no.such"))
    with pytest.raises(CommandError, match="a dry run"):
        call_command("import_readings", str(file), dry_run=True, stdout=StringIO(), stderr=StringIO())
    assert not Report.objects.exists()
    with pytest.raises(CommandError, match="faulty ones were refused"):
        call_command("import_readings", str(file), good_lines=True, stdout=StringIO(), stderr=StringIO())
    assert Report.objects.count() == 1


def test_readings_make_figures_of_a_saas_that_sends_no_ping(tmp_path: Path) -> None:
    a_smau("create")
    call_command("label_installation", "saas", "example.com", delivery="saas", stdout=StringIO())
    file = tmp_path / "readings.csv"
    file.write_text(
        READINGS
        + "saas,example.com,2026-10-28T12:00:00Z,usage.create,all,800\n"
        + "saas,example.com,2026-10-28T12:00:00Z,usage.create,paid,300.5\n"
    )
    assert run("import_readings", str(file))["created"] == 2
    assert figure()["recorded"] == 800
    out = StringIO()
    call_command("figures", indicator="smau", month="2026-10", stage="create", paid=True, json=True, stdout=out)
    paid = json.loads(out.getvalue())["results"][0]
    assert (paid["recorded"], paid["uplift"], paid["estimated"]) == ("300.5", 0, "300.5")


def test_a_file_of_readings_may_come_in_parts(tmp_path: Path) -> None:
    a_smau("create")
    a_smau("plan")
    parts = [
        "u,h,2026-10-28T12:00:00Z,usage.create,all,8\n",
        "u,h,2026-10-28T12:00:00Z,usage.plan,all,9\n",
    ]
    for number, part in enumerate(parts):
        file = tmp_path / f"{number}.csv"
        file.write_text(READINGS + part)
        run("import_readings", str(file))
    assert Report.objects.count() == 1
    assert (figure()["recorded"], figure(stage="plan")["recorded"]) == (8, 9)


def test_faulty_readings_are_named(tmp_path: Path) -> None:
    a_smau("create")
    file = tmp_path / "readings.csv"
    file.write_text(READINGS + "u,h,yesterday,no.such,some,many\n,h,2026-10-01,usage.create,all,NaN\n")
    err = StringIO()
    with pytest.raises(CommandError):
        call_command("import_readings", str(file), stdout=StringIO(), stderr=err)
    for words in ("recorded_at: 'yesterday'", "metric: the dictionary has no", "population: 'some'", "value: 'many'"):
        assert words in err.getvalue()
    assert "line 3: uuid: it is empty. value: 'NaN'" in err.getvalue()
    assert not Report.objects.exists()


def imported(folder: Path, lines: str, **options: Any) -> tuple[Any, str]:
    """What an import said, and the refusals that made it fail."""
    file = folder / "readings.csv"
    file.write_text(READINGS + lines)
    out = StringIO()
    try:
        call_command("import_readings", str(file), stdout=out, stderr=StringIO(), json=True, **options)
    except CommandError as error:
        return json.loads(out.getvalue()), str(error)
    return json.loads(out.getvalue()), ""


LINE = "u,h,2026-10-28T12:00:00Z,usage.create,all,{}\n"


def test_another_value_for_a_reading_that_is_there_is_refused_by_its_line(tmp_path: Path) -> None:
    a_smau("create")
    a_smau("plan")
    imported(tmp_path, LINE.format(8))
    assert imported(tmp_path, LINE.format("8.0"))[0]["unchanged"] == 1
    assert imported(tmp_path, LINE.format(""))[0]["unchanged"] == 1
    more = "u,h,2026-10-28T12:00:00Z,usage.plan,all,3\n"
    said, why = imported(tmp_path, LINE.format(9) + more)
    assert said["faults"] == [
        {"line": 2, "error": "value: usage.create of this report is 8 already; a number that is there stands."}
    ]
    assert (said["imported"], why.startswith("Nothing was imported")) == (False, True)
    said, why = imported(tmp_path, LINE.format(9) + more, good_lines=True)
    assert (said["imported"], said["changed"], len(said["faults"])) == (True, 1, 1)
    assert (figure()["recorded"], figure(stage="plan")["recorded"]) == (8, 3)


def test_a_reading_that_was_missing_is_filled_by_a_number(tmp_path: Path) -> None:
    a_smau("create")
    imported(tmp_path, LINE.format(""))
    assert figure()["recorded"] is None
    assert imported(tmp_path, LINE.format(8))[0]["changed"] == 1
    assert figure()["recorded"] == 8


def test_two_values_for_one_reading_in_a_file_are_refused(tmp_path: Path) -> None:
    a_smau("create")
    said, _ = imported(tmp_path, LINE.format(8) + LINE.format(8) + LINE.format(9) + LINE.format(""))
    assert [(fault["line"], fault["error"]) for fault in said["faults"]] == [
        (4, "value: line 2 gives usage.create of the same report another value."),
        (5, "value: line 2 gives usage.create of the same report another value."),
    ]


def test_readings_of_a_report_that_came_another_way_are_refused_unless_they_say_the_same(tmp_path: Path) -> None:
    smau, plan = a_smau("create"), a_smau("plan")
    report("u", "2026-10-28T12:00:00", {smau: 8, plan: None}, hostname="h", source="elsewhere:7")
    assert imported(tmp_path, LINE.format(8))[0]["unchanged"] == 1
    said, _ = imported(tmp_path, LINE.format(9) + "u,h,2026-10-28T12:00:00Z,usage.plan,all,3\n")
    assert [fault["error"][:40] for fault in said["faults"]] == [
        "value: usage.create of this report is 8 ",
        "recorded_at: the installation has anothe",
    ]
    # Paid users are another report of the same instant.
    assert imported(tmp_path, "u,h,2026-10-28T12:00:00Z,usage.plan,paid,3\n")[0]["created"] == 1


def test_long_imports_say_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from metrics.imports import files, readings, subscriptions
    from metrics.management import progress

    monkeypatch.setattr(progress, "EVERY", 0.0)
    monkeypatch.setattr(files, "SAID_EVERY", 1)
    for module in (readings, subscriptions):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    a_smau("create")
    file = tmp_path / "readings.csv"
    file.write_text(READINGS + LINE.format(8) + LINE.format(8).replace("28T", "27T"))
    err = StringIO()
    call_command("import_readings", str(file), stdout=StringIO(), stderr=err)
    assert err.getvalue().splitlines() == [
        "1 lines read",
        "1 of 2 new reports recorded",
        "2 of 2 new reports recorded",
    ]
    file.write_text(HEAD + "S1,A,free,1,2026-01-01,,saas\nS2,A,free,1,2026-01-01,,saas\n")
    err = StringIO()
    call_command("import_subscriptions", str(file), stdout=StringIO(), stderr=err)
    assert err.getvalue().splitlines()[-1] == "2 of 2 written"
    out, err = StringIO(), StringIO()
    call_command("import_subscriptions", str(file), stdout=out, stderr=err, json=True)
    assert (json.loads(out.getvalue())["unchanged"], err.getvalue()) == (2, "")
