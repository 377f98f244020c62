"""The thin path on real input: from the real files and a posted ping to Create's SMAU, wherever it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from metrics.models import FigureMonth
from telemetry import population
from tests.builders import a_user
from tests.telemetry.judging import _pings_are_judged_as_in_a_new_portal  # noqa: F401  a fixture

if TYPE_CHECKING:
    from django.test import Client

    from tests.conftest import Clock

pytestmark = pytest.mark.django_db

INDICATOR = ("usage_activity_by_stage_monthly", "create", "action_monthly_active_users_project_repo")


def told(command: str, *arguments: str) -> Any:
    """The JSON document that a command prints."""
    out = StringIO()
    call_command(command, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def text_of(page: bytes) -> str:
    """A page as a reader sees its words."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode().replace("<wbr>", "")))


def text_with_links(page: str) -> str:
    """A page's words and links on one line."""
    return re.sub(r"\s+", " ", page)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """What another test of this process taught the judge is forgotten."""
    population.forget()


@pytest.fixture
def real_files(shared_data: Path) -> Path:
    """The real structure, handbook page and definitions, imported as an administrator would."""
    handbook = shared_data / "handbook"
    files = [f"--{name}={handbook / name}.yml" for name in ("sections", "stages", "categories")]
    call_command("import_structure", *files, stdout=StringIO())
    call_command("import_handbook", str(handbook / "crash_course.md"), stdout=StringIO())
    call_command("import_definitions", str(shared_data / "service_ping" / "metric_definitions"), stdout=StringIO())
    return shared_data


@pytest.fixture
def send(client: Client, real_files: Path) -> Callable[..., int]:
    """``send(recorded_at=…, hostname=…, people=…)`` posts a copy of the real 12.10 payload; returns its id."""
    original = real_files / "service_ping" / "payloads" / "service_ping_12.10.0-pre_docs_current.json"

    def post(*, people: int | None = None, **changed: str) -> int:
        body = json.loads(original.read_text())
        body.update(changed)
        if people is not None:
            body[INDICATOR[0]][INDICATOR[1]][INDICATOR[2]] = people
        answer = client.post("/usage_data", data=json.dumps(body), content_type="application/json")
        assert answer.status_code == 201
        number = answer.json()["conv_index"]["usage_data_id"]
        assert isinstance(number, int)
        assert number > 0
        return number

    return post


@pytest.fixture
def run_the_tasks() -> Callable[[], None]:
    """What the workers and the sweep do, here and now."""
    from metrics.tasks import roll_up
    from telemetry.tasks import read_pings

    def run() -> None:
        read_pings()
        roll_up()

    return run


def test_a_real_ping_becomes_create_s_smau_on_every_surface(
    send: Callable[..., int], run_the_tasks: Callable[[], None], clock: Clock, client: Client
) -> None:
    clock.at("2020-05-28 12:00")
    first = send(people=120)
    assert send(people=120) == first, "the same report again is the same report"
    second = send(people=45, hostname="second.example.com")
    third = send(people=150, recorded_at="2020-05-17T07:43:54.162+00:00")
    fourth = send(people=50, hostname="second.example.com", recorded_at="2020-05-20T07:43:54.162+00:00")
    assert len({first, second, third, fourth}) == 4
    run_the_tasks()

    client.force_login(a_user("somebody", "viewer"))
    for month, expected in (("2020-04", 165), ("2020-05", 200)):
        # The command, and the API with the same document.
        (row,) = told("figures", "--indicator", "smau", "--stage", "create", "--month", month)["results"]
        assert row["recorded"] == expected
        assert row["coverage"]["reporting"] == 2
        question = {"indicator": "smau", "stage": "create", "month": month}
        assert client.get("/api/v1/figures/", question).json()["results"][0]["recorded"] == expected
        # The passport adds up to it and leads to the pings.
        passport = client.get(f"/api/v1/figures/{row['id']}/passport/").json()
        assert sum(each["value"] for each in passport["contributions"]) == expected
        assert passport["left_out"] == []
        page = client.get(reverse("metrics:passport", args=[row["id"]]))
        assert page.status_code == 200
        assert str(expected) in text_of(page.content)
        assert told("passport", row["id"])["contributions"] == passport["contributions"]

    # The stage page, both months.
    stage_page = text_of(client.get("/stages/create/").content)
    assert re.search(r"Apr 2020\W+165\b", stage_page)
    assert re.search(r"May 2020\W.*?\b200\b", stage_page)

    # The admin, where each figure leads to its passport.
    client.force_login(a_user("boss", "administrator", is_staff=True, is_superuser=True))
    for kept, expected in ((date(2020, 4, 1), 165), (date(2020, 5, 1), 200)):
        row_of_month = FigureMonth.objects.get(month=kept)
        listed = client.get(reverse("admin:metrics_figuremonth_change", args=[row_of_month.pk])).content.decode()
        link = f'<a href="/figures/smau.create.{kept:%Y-%m}/">{expected}</a>'
        assert re.search(rf"Create\W+SMAU: {link}", text_with_links(listed))
    # The pings' own pages know what they changed.
    for number in (first, second, third, fourth):
        assert client.get(f"/telemetry/pings/{number}/").status_code == 200


def test_the_second_real_file_is_the_same_report(
    client: Client, shared_data: Path, clock: Clock, run_the_tasks: Callable[[], None]
) -> None:
    clock.at("2020-05-28 12:00")
    numbers = set()
    for name in ("service_ping_12.10.0-pre_docs_current.json", "usage_ping_12.10.0-pre_docs_2020.json"):
        body = (shared_data / "service_ping" / "payloads" / name).read_bytes()
        answer = client.post("/usage_data", data=body, content_type="application/json")
        numbers.add(answer.json()["conv_index"]["usage_data_id"])
    assert len(numbers) == 1
    run_the_tasks()
