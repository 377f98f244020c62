"""Those who follow a stage are told what others did: a line for each act, whichever way it came."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.models import Notification, User
from stages.content import Item
from stages.models import Follow, Group, Resource, Stage, Succession
from stages.restructuring import merge, move, rename, retire, split, today
from stages.restructuring.undoing import undo
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def create() -> Stage:
    return a_stage("create", section=a_section("dev"))


@pytest.fixture
def reader(create: Stage) -> User:
    user = a_user("reader")
    Follow.objects.create(user=user, stage=create)
    return user


@pytest.fixture
def ada(create: Stage) -> User:
    """An editor who follows the stage, too: nobody is told of what they did themselves."""
    user = a_user("ada", "editor")
    Follow.objects.create(user=user, stage=create)
    return user


def told(user: User) -> list[str]:
    """What a person was told, from the first to the last, and forget it."""
    rows = list(user.notifications.order_by("pk"))
    Notification.objects.all().delete()
    return [row.sentence for row in rows]


def test_a_block_saved_undone_and_brought_back_is_told_each_time(create: Stage, reader: User, ada: User) -> None:
    browser = browser_of(ada)
    a_block(create, "slack", Item(label="#a"), actor=ada)
    assert told(reader) == ["Ada changed Slack channels of Create."]
    a_block(create, "slack", Item(label="#a"), actor=ada)
    assert told(reader) == []
    browser.post("/stages/create/tool/slack/", {"action": "undo", "version": "1"})
    assert told(reader) == ["Ada took back a change of Slack channels of Create."]
    revision = create.blocks.get(kind="slack").revisions.get(version=1)
    browser.post("/stages/create/history/", {"revision": str(revision.pk)})
    assert told(reader) == ["Ada brought back an earlier version of Slack channels of Create."]


def test_facts_and_people_are_told_with_the_entry_that_they_belong_to(create: Stage, reader: User, ada: User) -> None:
    group = a_group(create, "wiki")
    browser = browser_of(ada)
    assert browser.post(f"/groups/{group.key}/people/", {"people": "Lead: Bo", "version": "1"}).status_code == 302
    assert told(reader) == ["Ada changed the people of the group Wiki."]
    assert browser.patch(
        "/api/v1/stages/create/", {"slack_channel": "s_create"}, content_type="application/json",
        headers={"If-Match": browser.get("/api/v1/stages/create/")["ETag"]},
    ).status_code == 200  # fmt: skip
    assert told(reader) == ["Ada changed facts of the stage Create."]
    assert told(ada) == []


def test_the_structure_is_told_in_words_and_to_both_sides(create: Stage, reader: User, ada: User) -> None:
    plan, other = a_stage("plan"), a_user("other")
    Follow.objects.create(user=other, stage=plan)
    group = a_group(create, "wiki")
    move(entry=group, parent=plan, actor=ada, on=today())
    assert told(other) == ["Ada moved the group Wiki (of Create) to Wiki (of Plan)."]
    move(entry=group, parent=create, actor=ada, on=today())
    assert told(reader) == ["Ada moved the group Wiki (of Plan) to Wiki (of Create)."]
    rename(entry=create, name="Make", key=None, actor=ada, on=today())
    assert told(reader) == ["Ada renamed the stage Create to Make."]
    split(source=create, key="paper", name="Paper", taking=[group], actor=ada, on=today(), reason="")
    assert told(reader) == ["Ada split Paper off the stage Make."]
    retire(entry=Group.objects.get(key="wiki"), actor=ada, on=today(), reason="")
    assert told(reader) == []


def test_a_merge_is_one_line_whatever_it_took_along_and_so_is_its_undoing(
    create: Stage, reader: User, ada: User
) -> None:
    plan = a_stage("plan")
    for kind in ("slack", "team"):
        a_block(create, kind, Item(label="#a"), actor=ada)
    Follow.objects.create(user=reader, stage=plan)
    told(reader)
    merge(source=create, target=plan, actor=ada, on=today(), reason="")
    assert told(reader) == ["Ada merged the stage Create into Plan."]
    undo(change=Succession.objects.get(how="merged"), user=ada)
    assert told(reader) == ["Ada took back: the stage Create merged → Plan."]


def test_the_page_of_a_day_is_one_line(create: Stage, reader: User, ada: User) -> None:
    for kind in ("slack", "team"):
        a_block(create, kind, Item(label="#a"), actor=ada)
    told(reader)
    day = (timezone.now() - timedelta(days=1)).date()
    browser_of(ada).post(f"/stages/create/history/?as_of={day}", {"as_of": str(day), "action": "restore_page"})
    lines = told(reader)
    assert len(lines) == 1
    assert re.fullmatch(r"Ada brought back the page of \d+ \w+ \d{4} of Create\.", lines[0])


def test_a_shared_link_is_told_to_whoever_follows_a_stage_that_uses_it(create: Stage, reader: User, ada: User) -> None:
    for stage in (create, a_stage("plan")):
        a_block(stage, "dashboards", Item(label="A", url="/a"), actor=ada)
    told(reader)
    address = f"/stages/resources/{Resource.objects.get().pk}/"
    browser_of(ada).post(address, {"version": "1", "label": "B", "url": "/a", "review_every_days": "90"})
    assert told(reader) == ["Ada changed the shared link B."]


def test_an_import_is_one_line_a_stage_and_a_look_at_it_none(create: Stage, reader: User, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Course\n\n## Dev section\n\n### Create stage\n\n#### Slack channels\n\n* `#a`\n\n#### OKRs\n\n* [B](/b)\n"
    )
    call_command("import_handbook", str(page), "--dry-run", stdout=StringIO())
    assert told(reader) == []
    call_command("import_handbook", str(page), stdout=StringIO())
    assert told(reader) == ["An import brought in what the handbook page says of Create."]
    call_command("import_handbook", str(page), stdout=StringIO())
    assert told(reader) == []
    stages = tmp_path / "stages.yml"
    stages.write_text("stages:\n  create:\n    display_name: Create\n    section: dev\n    established: 2015\n")
    call_command("import_structure", stages=stages, stdout=StringIO())
    assert told(reader) == ["An import brought in what the structure files say of Create."]


def test_a_bulk_request_is_one_line(create: Stage, reader: User, ada: User) -> None:
    rows = [{"stage": "create", "kind": kind, "items": [{"label": "#a"}]} for kind in ("slack", "team")]
    answer = browser_of(ada).post("/api/v1/stages/blocks/bulk/", rows, content_type="application/json")
    assert [one["kind"] for one in answer.json()] == ["slack", "team"]
    assert told(reader) == ["Ada changed several things at once."]
