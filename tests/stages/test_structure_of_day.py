"""The page of a day with its structure: names, keys, places, what was in use; what cannot come back is told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import User
from stages.content import Item
from stages.editing import content_of, find_block
from stages.history.page_of_day import page_of_day, restore_page
from stages.models import Category, FormerKey, Group, Section, Stage, Succession
from stages.restructuring import (
    RestructureRefused,
    bring_back,
    change_facts,
    create,
    delete,
    merge,
    move,
    place_category,
    rename,
    retire,
    split,
)
from stages.restructuring.common import today
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage
from tests.stages.test_history import THEN, all_of_it_was

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 10)


@pytest.fixture
def stage() -> Stage:
    """A stage as it was on 5 November, with two groups that build a category each; another stage beside it."""
    dev = a_section("dev")
    stage = a_stage("create", section=dev)
    for key in ("wiki", "pages"):
        a_category(f"{key}-editor", a_group(stage, key))
    a_block(stage, "dashboards", Item(label="Views", url="/views", description="Create : Wiki"))
    a_group(a_stage("plan", section=dev), "boards")
    a_section("ops")
    all_of_it_was(THEN)
    return stage


def a_category(key: str, group: Group) -> Category:
    category = Category.objects.create(key=key, name=key.title(), stage=group.stage)
    category.groups.add(group)
    return category


def test_names_keys_and_places_come_back_by_the_verbs_that_people_use(
    stage: Stage, editor: User, editor_client: Client
) -> None:
    wiki = stage.groups.get(key="wiki")
    rename(entry=stage, name="Creation", key="creation", actor=editor, on=DAY)
    move(entry=stage, parent=Section.objects.get(key="ops"), actor=editor, on=DAY)
    rename(entry=wiki, name="Wikis", key="wikis", actor=editor, on=DAY)
    move(entry=wiki, parent=Stage.objects.get(key="plan"), actor=editor, on=DAY)
    bea = a_user("bea", "editor@stage:creation")
    page = editor_client.get("/stages/creation/history/?as_of=2026-11-05").content.decode()
    for text in ("Rename the stage Creation", "Move the stage Creation", "Move the group Wikis", "Changed the key."):
        assert text in page, text
    editor_client.post("/stages/creation/history/", {"as_of": "2026-11-05"})
    stage, wiki = Stage.objects.get(key="create"), Group.objects.get(key="wiki")
    assert (stage.name, stage.section and stage.section.key, wiki.name, wiki.stage) == ("Create", "dev", "Wiki", stage)
    assert editor_client.get("/stages/creation/", follow=True).redirect_chain[-1][0] == "/stages/create/"
    assert not FormerKey.objects.filter(key__in=["create", "wiki"]).exists()
    assert list(bea.role_grants.values_list("scope", flat=True)) == ["stage:create"]
    back = Succession.objects.filter(reason__startswith="Restored the page of 2026-11-05").order_by("pk")
    assert [(one.kind, one.how) for one in back] == [
        ("stage", "moved"), ("stage", "renamed"), ("group", "moved"), ("group", "renamed"),
    ]  # fmt: skip
    assert page_of_day(stage, THEN).changes == []


def test_what_was_merged_split_off_made_or_retired_since_is_turned_back(stage: Stage, editor: User) -> None:
    wiki, pages = stage.groups.get(key="wiki"), stage.groups.get(key="pages")
    merge(source=wiki, target=pages, actor=editor, on=DAY, reason="Fewer")
    part = Category.objects.get(key="pages-editor")
    split(source=pages, key="split", name="Split", taking=[part], actor=editor, on=DAY, reason="")
    create(kind="category", key="new", name="New", parents=[pages], actor=editor, on=DAY)
    retire(entry=part, actor=editor, on=DAY, reason="Over")
    restore_page(stage=stage, moment=THEN, actor=editor)
    assert {
        group.key: sorted(group.categories.filter(retired_on=None).values_list("key", flat=True))
        for group in stage.groups.filter(retired_on=None)
    } == {"wiki": ["wiki-editor"], "pages": ["pages-editor"]}
    assert {one.key for one in Group.objects.exclude(retired_on=None)} == {"split"}
    assert Category.objects.get(key="new").retired_on == today()
    assert stage.blocks.get().placements.get().group == wiki
    assert page_of_day(stage, THEN).changes == []


def test_a_stage_that_was_merged_away_comes_back_with_its_groups(stage: Stage, editor: User) -> None:
    merge(source=stage, target=Stage.objects.get(key="plan"), actor=editor, on=DAY, reason="Fewer")
    restore_page(stage=stage, moment=THEN, actor=editor)
    stage.refresh_from_db()
    assert stage.retired_on is None
    assert {group.key for group in stage.groups.all()} == {"wiki", "pages"}
    assert {group.key for group in Stage.objects.get(key="plan").groups.all()} == {"boards"}


def test_the_editor_leaves_changes_out(stage: Stage, editor: User, editor_client: Client) -> None:
    wiki = stage.groups.get(key="wiki")
    rename(entry=wiki, name="Wikis", key="wikis", actor=editor, on=DAY)
    rename(entry=stage, name="Creation", key=None, actor=editor, on=DAY)
    a_block(stage, "dashboards")
    sent = {"as_of": "2026-11-05", "choosing": "1", "change": f"rename-stage-{stage.pk}"}
    editor_client.post("/stages/create/history/", sent)
    stage.refresh_from_db()
    wiki.refresh_from_db()
    assert (stage.name, wiki.name) == ("Create", "Wikis")
    assert [item.label for item in content_of(find_block(stage, "dashboards")).items] == ["Views"]


def test_a_group_that_is_left_out_keeps_what_it_builds(stage: Stage, editor: User) -> None:
    new = create(kind="group", key="new", name="New", parents=[stage], actor=editor, on=DAY)
    assert isinstance(new, Group)
    made = create(kind="category", key="made", name="Made", parents=[new], actor=editor, on=DAY)
    restore_page(stage=stage, moment=THEN, actor=editor, without={f"retire-group-{new.pk}"})
    new.refresh_from_db()
    made.refresh_from_db()
    assert (new.retired_on, made.retired_on) == (None, None)
    then = page_of_day(stage, THEN, without={f"retire-category-{made.pk}"})
    assert "The group New stays, as no other builds Made." in then.left


def test_where_one_is_no_editor_the_plan_says_so_and_goes_on_without_it(stage: Stage, editor: User) -> None:
    move(entry=stage.groups.get(key="wiki"), parent=Stage.objects.get(key="plan"), actor=editor, on=DAY)
    place_category(
        entry=Category.objects.get(key="pages-editor"), groups=[Group.objects.get(key="boards")], actor=editor, on=DAY
    )
    rename(entry=stage, name="Creation", key=None, actor=editor, on=DAY)
    move(entry=stage, parent=Section.objects.get(key="ops"), actor=editor, on=DAY)
    bea = browser_of(a_user("bea", "editor@stage:create"))
    page = bea.get("/stages/create/history/?as_of=2026-11-05").content.decode()
    for text in (
        "The group Wiki belongs to the stage Plan by now. You are no editor there",
        "The category Pages-Editor belongs to another page by now. You are no editor there",
        "It belonged to the section Dev then. You are no editor there",
    ):
        assert text in page, text
    assert bea.post("/stages/create/history/", {"as_of": "2026-11-05"}).status_code == 302
    stage.refresh_from_db()
    assert (stage.name, stage.section and stage.section.key) == ("Create", "ops")
    assert {group.key for group in stage.groups.all()} == {"pages"}
    assert [group.key for group in Category.objects.get(key="pages-editor").groups.all()] == ["boards"]


def test_what_cannot_come_back_is_told_with_the_reason(stage: Stage, editor: User) -> None:
    wiki, pages = stage.groups.get(key="wiki"), stage.groups.get(key="pages")
    rename(entry=pages, name="Sites", key="sites", actor=editor, on=DAY)
    FormerKey.objects.all().delete()
    a_group(Stage.objects.get(key="plan"), "pages", name="Other")
    wiki.categories.clear()
    stage.blocks.get().placements.update(group=None)
    delete(entry=wiki, actor=editor)
    then = restore_page(stage=stage, moment=THEN, actor=editor)
    assert "The group Wiki was deleted since." in then.left
    told = "The key of the group Sites was pages then. By now that is the key of the group Other, so it keeps sites."
    assert told in then.left
    pages.refresh_from_db()
    assert (pages.name, pages.key) == ("Pages", "sites")


def test_a_stage_that_stays_retired_gets_no_groups_back(stage: Stage, editor: User, editor_client: Client) -> None:
    plan = Stage.objects.get(key="plan")
    merge(source=stage, target=plan, actor=editor, on=DAY, reason="Fewer")
    groups = [f"move-group-{group.pk}" for group in plan.groups.exclude(key="boards")]
    sent = {"as_of": "2026-11-05", "choosing": "1", "change": groups}
    said = editor_client.post("/stages/create/history/", sent, follow=True).content.decode()
    assert "The group Wiki belonged to the stage Create then, which is retired by now" in said
    assert Stage.objects.get(key="create").retired_on == DAY
    assert {group.key for group in plan.groups.all()} == {"boards", "wiki", "pages"}


def test_nothing_is_restored_where_a_part_of_it_is_refused(stage: Stage, editor: User, editor_client: Client) -> None:
    Stage.objects.filter(pk=stage.pk).update(roadmap="javascript:alert(1)")
    all_of_it_was(THEN)
    Stage.objects.filter(pk=stage.pk).update(roadmap="/good")
    rename(entry=stage, name="Creation", key=None, actor=editor, on=DAY)
    said = editor_client.post("/stages/create/history/", {"as_of": "2026-11-05"}, follow=True).content.decode()
    assert "Nothing was restored." in said
    stage.refresh_from_db()
    assert (stage.name, stage.roadmap) == ("Creation", "/good")


def test_the_api_names_each_change_and_leaves_out_what_it_is_told_to(
    stage: Stage, editor: User, editor_client: Client
) -> None:
    rename(entry=stage, name="Creation", key=None, actor=editor, on=DAY)
    rename(entry=stage.groups.get(key="wiki"), name="Wikis", key=None, actor=editor, on=DAY)
    route = "/api/v1/stages/create/as-of/2026-11-05/"
    shown = editor_client.get(route)
    ids = [one["id"] for one in shown.json()["changes"]]
    assert f"rename-stage-{stage.pk}" in ids
    body = {"without": [f"rename-stage-{stage.pk}"]}
    json = "application/json"
    stale = editor_client.post(f"{route}restore/", body, content_type=json, headers={"If-Match": '"x"'})
    assert stale.status_code == 412
    done = editor_client.post(f"{route}restore/", body, content_type=json, headers={"If-Match": shown["ETag"]})
    assert done.status_code == 200, done.json()
    stage.refresh_from_db()
    assert (stage.name, stage.groups.get(key="wiki").name) == ("Creation", "Wiki")


# Any series of changes


NUMBERS = st.integers(min_value=0, max_value=9)
STEP = st.tuples(
    st.sampled_from(
        ["rename", "rekey", "move", "place", "retire", "bring_back", "merge", "split", "create", "fact", "block"]
    ),
    st.sampled_from(["section", "stage", "group", "category"]),
    NUMBERS,
    NUMBERS,
)
STEPS = st.lists(STEP, max_size=8)


def pick(kind: str, number: int) -> Any:
    model = {"section": Section, "stage": Stage, "group": Group, "category": Category}[kind]
    rows = list(model._default_manager.order_by("pk"))
    return rows[number % len(rows)]


def step(action: str, kind: str, one: int, two: int, number: int) -> None:
    """One change; one that the portal refuses does not happen."""
    entry, name = pick(kind, one), f"{kind} {number}"
    parent = {"stage": "section", "group": "stage", "category": "group"}.get(kind, "")
    common: dict[str, Any] = {"actor": None, "on": DAY}
    if action == "rename":
        rename(entry=entry, name=name, key=None, **common)
    elif action == "rekey":
        rename(entry=entry, name=name, key=f"{kind}-{number}", **common)
    elif action == "move" and kind in ("stage", "group"):
        move(entry=entry, parent=pick(parent, two), **common)
    elif action == "place":
        place_category(entry=pick("category", one), groups=[pick("group", two)], **common)
    elif action == "retire":
        retire(entry=entry, reason="", **common)
    elif action == "bring_back":
        bring_back(entry=entry, **common)
    elif action == "merge":
        merge(source=entry, target=pick(kind, two), reason="", **common)
    elif action == "split":
        split(source=entry, key=f"{kind}-{number}", name=name, reason="", **common)
    elif action == "create":
        create(kind=kind, key=f"{kind}-{number}", name=name, parents=[pick(parent, two)] if parent else [], **common)
    elif action == "fact":
        change_facts(entry=entry, values={"description": name}, actor=None)
    elif action == "block":
        a_block(pick("stage", one), "slack", Item(label=f"#{number}"))


def a_small_structure() -> Stage:
    """Two sections, two stages, three groups with a category each; the first stage."""
    dev = a_section("dev")
    a_section("ops")
    stage, other = a_stage("create", section=dev), a_stage("plan", section=dev)
    for parent, keys in ((stage, ("wiki", "pages")), (other, ("boards",))):
        for key in keys:
            a_category(f"c-{key}", a_group(parent, key))
    return stage


def walk(steps: list[tuple[str, str, int, int]], start: int) -> None:
    for number, (action, kind, one, two) in enumerate(steps, start):
        try:
            with transaction.atomic():
                step(action, kind, one, two, number)
        except RestructureRefused:
            continue


def state_of(stage: Stage) -> dict[str, Any]:
    """What the page of a stage shows."""
    stage = Stage.objects.get(pk=stage.pk)
    blocks = {one.kind: [item.label for item in content_of(one).items] for one in stage.blocks.all()}
    return {
        "stage": (stage.name, stage.key, stage.section_id, stage.description, stage.retired_on is None),
        "groups": {
            group.pk: (
                group.name,
                group.key,
                group.description,
                sorted((one.name, one.key, one.description) for one in group.categories.filter(retired_on=None)),
            )
            for group in stage.groups.filter(retired_on=None)
        },
        "blocks": {kind: items for kind, items in blocks.items() if items},
    }


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(before=STEPS, after=STEPS)
def test_whatever_was_done_since_the_page_is_what_it_was_save_for_what_the_plan_names(
    editor: User, before: list[tuple[str, str, int, int]], after: list[tuple[str, str, int, int]]
) -> None:
    with transaction.atomic():
        stage = a_small_structure()
        walk(before, 100)
        all_of_it_was(THEN)
        was = state_of(stage)
        walk(after, 200)
        left = restore_page(stage=stage, moment=THEN, actor=editor).left
        now = state_of(stage)
        if not left:
            assert now == was
        assert now["blocks"] == was["blocks"]
        again = page_of_day(Stage.objects.get(pk=stage.pk), THEN)
        assert again.changes == []
        assert sorted(again.left) == sorted(left)
        transaction.set_rollback(True)


def test_a_later_moment_changes_nothing(stage: Stage, editor: User) -> None:
    assert page_of_day(stage, THEN + timedelta(days=1)).changes == []
