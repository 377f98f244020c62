"""Who changed what, when and why, of all kinds; and the page of any day comes back whole."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import User
from stages.contacts import name_people, remove_contact, set_people
from stages.content import Item
from stages.editing import content_of, find_block
from stages.history.events import events_of
from stages.history.page_of_day import page_of_day, restore_page
from stages.history.timeline import PER_PAGE, timeline
from stages.models import (
    BlockRevision,
    Category,
    CategoryGroup,
    Contact,
    Group,
    Resource,
    Responsibility,
    Section,
    Stage,
)
from stages.resources import change_resource
from stages.restructuring import change_facts, merge, rename
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
THEN = datetime(2026, 11, 5, 12, tzinfo=UTC)


def all_of_it_was(moment: datetime) -> None:
    """Everything that happened so far happened at a moment: a test's transaction has only one."""
    later = moment + timedelta(days=1)
    for model in (Section, Stage, Group, Category, CategoryGroup, Responsibility):
        events_of(model).filter(pgh_created_at__gt=later).update(pgh_created_at=moment)
    BlockRevision.objects.filter(at__gt=later).update(at=moment)


@pytest.fixture
def stage() -> Stage:
    """A stage as it was on 5 November: a roadmap, a manager, a group with a category, a dashboard."""
    stage = a_stage("create", section=a_section("dev"), roadmap="/old", slack_channel="s_old")
    group = a_group(stage, "wiki", focus="Old aim")
    category = Category.objects.create(key="editor", name="Editor", stage=stage, maturity="complete")
    category.groups.add(group)
    set_people([(stage, [("pm", "Ada")])])
    a_block(stage, "dashboards", Item(label="Old", url="/old", description="Then"))
    all_of_it_was(THEN)
    return stage


def changed(stage: Stage, actor: User) -> None:
    """Nearly everything changes."""
    group = stage.groups.get(key="wiki")
    change_facts(entry=stage, values={"roadmap": "/new", "slack_channel": "s_new"}, actor=actor, reason="Renewed")
    change_facts(entry=group, values={"focus": "New aim"}, actor=actor)
    category = Category.objects.get()
    change_facts(entry=category, values={"maturity": "minimal"}, actor=actor, reason="It broke")
    category.groups.set([a_group(a_stage("plan"), "boards")])
    name_people(owner=stage, people=[("pm", "Bo")], actor=actor, reason="Ada left")
    a_block(stage, "dashboards", Item(label="New", url="/new"), actor=actor)


def test_all_kinds_of_changes_are_told_with_who_when_and_why(
    stage: Stage, editor: User, editor_client: Client, viewer_client: Client
) -> None:
    changed(stage, editor)
    change_resource(
        pk=Resource.objects.get(url="/new").pk, values={"official": True}, version=None, actor=editor, how="edit"
    )
    editor_client.post("/stages/create/tool/dashboards/", {"action": "own"})
    rename(entry=stage, name="Creation", key=None, actor=editor, on=date(2026, 11, 6), reason="Longer")
    page = viewer_client.get("/stages/create/history/").content.decode()
    for text in (
        "Renewed", "Changed “Roadmap”.", "Facts of the group Wiki", "New aim", "It broke", "Changed “Maturity”.",
        "Product manager: Bo", "Ada left", "Creation:Wiki", "Changed whether it is the official one.",
        "Added who keeps it.", "Longer", "renamed on 6 Nov 2026", "Editor",
    ):  # fmt: skip
        assert text in page, text
    assert "Restore these facts" not in page
    block = stage.blocks.get()
    assert (
        f"Only {block.get_kind_display()}"
        in viewer_client.get(f"/stages/create/history/?block={block.pk}").content.decode()
    )
    assert "Restore these facts" in editor_client.get("/stages/create/history/").content.decode()


def test_the_page_of_a_day_comes_back_whole_and_is_shown_first(
    stage: Stage, editor: User, editor_client: Client
) -> None:
    changed(stage, editor)
    before = page_of_day(stage, THEN)
    page = editor_client.get("/stages/create/history/?as_of=2026-11-05").content.decode()
    assert "What restoring it changes" in page
    assert {title for title, _ in before.changes} == {
        "Top dashboards", "Facts of the stage Create", "Facts of the group Wiki", "Facts of the category Editor",
        "People of the stage Create", "Categories of the group Wiki", "Categories of the group Boards",
    }  # fmt: skip
    editor_client.post("/stages/create/history/", {"as_of": "2026-11-05"})
    stage = Stage.objects.get(key="create")
    group, category = stage.groups.get(), Category.objects.get()
    assert (stage.roadmap, stage.slack_channel, group.focus) == ("/old", "s_old", "Old aim")
    assert (category.maturity, group in category.groups.all()) == ("complete", True)
    assert [(one.role, str(one.contact)) for one in stage.people.all()] == [("pm", "Ada")]
    assert [item.label for item in content_of(find_block(stage, "dashboards")).items] == ["Old"]
    assert page_of_day(stage, THEN).changes == []
    told = editor_client.get("/stages/create/history/").content.decode()
    assert told.count("Restored the page of 2026-11-05") >= 5


def test_a_lower_maturity_comes_back_with_the_restoring_as_its_reason(stage: Stage, editor: User) -> None:
    change_facts(entry=Category.objects.get(), values={"maturity": "lovable"}, actor=editor)
    restore_page(stage=stage, moment=THEN, actor=editor)
    category = Category.objects.get()
    assert (category.maturity, category.maturity_reason[:17]) == ("complete", "Restored the page")


def test_a_person_removed_on_request_does_not_come_back(stage: Stage, editor: User) -> None:
    name_people(owner=stage, people=[("pm", "Bo")], actor=editor)
    remove_contact(contact=Contact.objects.get(name="Ada"), on=date(2026, 11, 20))
    then = restore_page(stage=stage, moment=THEN, actor=editor)
    assert any("removed on request" in sentence for sentence in then.left)
    assert not stage.people.exists()
    assert "Ada" not in str(timeline(stage).happenings)


def test_a_moment_before_there_was_anything_empties_the_blocks_and_touches_no_fact(stage: Stage, editor: User) -> None:
    restore_page(stage=stage, moment=THEN - timedelta(days=3), actor=editor)
    stage.refresh_from_db()
    assert stage.roadmap == "/old"
    assert content_of(find_block(stage, "dashboards")).is_empty


def test_nothing_falls_between_two_pages_of_a_long_history(stage: Stage, editor: User) -> None:
    for number in range(PER_PAGE + 5):
        a_block(stage, "slack", Item(label=f"#c{number}"))
    start = timezone.now() - timedelta(days=1)
    for one in BlockRevision.objects.filter(block__kind="slack"):
        BlockRevision.objects.filter(pk=one.pk).update(at=start + timedelta(minutes=one.version))
    seen: list[Any] = []
    before, pages = None, 0
    while True:
        page = timeline(stage, before=before)
        seen += [one.title for one in page.happenings if "Slack" in one.title]
        before, pages = page.older, pages + 1
        if before is None:
            break
    assert seen == [f"Slack channels, version {number}" for number in range(PER_PAGE + 5, 0, -1)]
    assert pages > 1


def test_the_facts_of_a_version_come_back(
    stage: Stage, editor: User, editor_client: Client, viewer_client: Client
) -> None:
    change_facts(entry=stage, values={"roadmap": "/new"}, actor=editor)
    page = "/stages/create/facts/history/"
    assert viewer_client.post(page, {"version": "1"}).status_code == 403
    editor_client.post(page, {"version": "1"})
    stage.refresh_from_db()
    assert (stage.roadmap, stage.version) == ("/old", 3)
    editor_client.post(page, {"version": "99"})
    stage.refresh_from_db()
    assert stage.version == 3


def test_a_merge_is_told_on_both_pages(stage: Stage, editor: User, viewer_client: Client) -> None:
    merge(source=stage, target=a_stage("plan"), actor=editor, on=date(2026, 11, 10), reason="Fewer stages")
    for key in ("create", "plan"):
        assert "Fewer stages" in viewer_client.get(f"/stages/{key}/history/").content.decode()


def test_the_version_that_stands_is_not_offered_to_be_restored(editor_client: Client) -> None:
    stage = a_stage("monitor")
    block = a_block(stage, "slack", Item(label="#s_monitor")).block
    a_block(stage, "slack", Item(label="#s_watch"), Item(label="#s_monitor"))
    page = editor_client.get("/stages/monitor/history/").content.decode()
    revisions = {one.version: one.pk for one in block.revisions.all()}
    offered = {version for version, pk in revisions.items() if f'name="revision" value="{pk}"' in page}
    assert offered == {1}


def test_people_that_come_otherwise_than_by_the_form_are_not_overwritten_by_it(
    stage: Stage, editor: User, editor_client: Client
) -> None:
    other = a_stage("configure")
    name_people(owner=other, people=[("ux", "Eve")], actor=editor)
    name_people(owner=stage, people=[("pm", "Bo")], actor=editor)

    def by_restoring() -> None:
        restore_page(stage=stage, moment=THEN, actor=editor)

    def by_an_import() -> None:
        set_people([(stage, [("pm", "Ada"), ("em", "Cem")])])

    def by_a_merge() -> None:
        merge(source=other, target=stage, actor=editor, on=date(2026, 11, 20), reason="Fewer")

    for change in (by_restoring, by_an_import, by_a_merge):
        stage.refresh_from_db()
        seen, before = stage.version, stage.people.count()
        change()
        people = [str(one.contact) for one in stage.people.order_by("order", "pk")]
        stale = editor_client.post("/stages/create/people/", {"people": "PM: Dan", "version": str(seen)})
        assert (stale.status_code, change is by_restoring or len(people) > before) == (409, True), change
        assert [str(one.contact) for one in stage.people.order_by("order", "pk")] == people
