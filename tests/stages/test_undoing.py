"""A change of the structure is taken back exactly, as long as nothing later stands in the way."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from portal.models import User
from stages.contacts import set_people
from stages.content import Item
from stages.editing import content_of, find_block
from stages.facts import MODELS, Entry
from stages.models import Category, Follow, FormerKey, Group, Stage, Succession, Suggestion
from stages.restructuring import (
    RestructureRefused,
    bring_back,
    create,
    merge,
    move,
    place_category,
    rename,
    retire,
    split,
)
from stages.restructuring.undoing import undo, undoable
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage
from tests.stages.test_structure_of_day import STEP, STEPS, a_small_structure, walk

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 10)


def latest() -> Succession:
    return Succession.objects.order_by("-pk")[0]


def take_back(user: User) -> list[str]:
    """Take the latest change back; what stayed."""
    return undo(change=latest(), user=user).stayed


def refused(change: Succession, user: User) -> str:
    with pytest.raises(RestructureRefused) as error:
        undo(change=change, user=user)
    return str(error.value)


def labels(stage: Stage, kind: str = "dashboards") -> list[str]:
    return [item.label for item in content_of(find_block(stage, kind)).items]


def test_a_rename_is_taken_back_from_the_message_and_both_keys_lead_on(
    editor_client: Client, viewer_client: Client
) -> None:
    a_stage("create")
    sent = {"action": "rename", "name": "Build", "key": "build", "reason": "Clearer"}
    page = editor_client.post("/stages/create/restructure/", sent, follow=True).content.decode()
    address = re.search(r'action="(/stages/changes/\d+/undo/)"', page)
    assert address, page
    assert "Renamed the stage Create to Build. Old links lead on." in page
    assert address[1] in editor_client.get("/stages/build/history/").content.decode()
    assert address[1] not in viewer_client.get("/stages/build/history/").content.decode()
    assert viewer_client.post(address[1]).status_code == 403
    assert editor_client.get(address[1]).status_code == 405
    taken_back = editor_client.post(address[1], follow=True)
    assert taken_back.redirect_chain[-1][0] == "/stages/create/"
    redo = re.search(r'action="(/stages/changes/\d+/undo/)"[^>]*>.*?<button[^>]*>Redo<', taken_back.content.decode())
    assert redo
    assert redo[1] == f"/stages/changes/{latest().pk}/undo/" != address[1]
    assert viewer_client.get("/stages/build/", follow=True).redirect_chain[-1][0] == "/stages/create/"
    assert not FormerKey.objects.filter(key="create").exists()
    back = latest()
    assert (back.how, back.undoes and back.undoes.to_name) == ("renamed", "Build")
    assert back.reason == "Taken back: the stage Create renamed → Build"
    history = editor_client.get("/stages/create/history/").content.decode()
    assert "taken back since" in history
    assert address[1] not in history
    again = editor_client.post(address[1], follow=True).content.decode()
    assert "It was not taken back. It was taken back already." in again


def test_what_later_stands_in_the_way_is_named(editor: User) -> None:
    stage, other = a_stage("create", section=a_section("dev")), a_stage("plan")
    rename(entry=stage, name="Build", key="build", actor=editor, on=DAY)
    first = latest()
    rename(entry=stage, name="Make", key="build", actor=editor, on=DAY)
    assert refused(first, editor) == "It was renamed to Make (build) since. Take that back first."
    take_back(editor)
    FormerKey.objects.all().delete()
    a_stage("taken", name="Taken")
    Stage.objects.filter(key="taken").update(key="create")
    assert refused(first, editor) == "There is a stage with the key create already."
    move(entry=stage, parent=a_section("ops"), actor=editor, on=DAY)
    moved = latest()
    move(entry=stage, parent=a_section("sec"), actor=editor, on=DAY)
    assert refused(moved, editor) == "Build was moved to Sec since. Take that back first."
    retire(entry=other, actor=editor, on=DAY, reason="")
    gone = latest()
    bring_back(entry=other, actor=editor, on=DAY)
    assert refused(gone, editor) == "Plan was brought back since."
    a_group(other, "boards")
    Stage.objects.filter(pk=other.pk).update(retired_on=DAY)
    bring_back(entry=other, actor=editor, on=DAY)
    assert "the groups Boards belong to it" in refused(latest(), editor)


def test_moves_retiring_and_bringing_back_are_taken_back(editor: User) -> None:
    dev = a_section("dev")
    stage, plan = a_stage("create", section=dev), a_stage("plan")
    group = a_group(stage, "wiki")
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(group)
    move(entry=stage, parent=a_section("ops"), actor=editor, on=DAY)
    take_back(editor)
    move(entry=plan, parent=dev, actor=editor, on=DAY)
    take_back(editor)
    move(entry=group, parent=plan, actor=editor, on=DAY)
    take_back(editor)
    place_category(entry=category, groups=[a_group(plan, "boards")], actor=editor, on=DAY)
    take_back(editor)
    for entry in (stage, plan, group, category):
        entry.refresh_from_db()
    assert (stage.section, plan.section, group.stage) == (dev, None, stage)
    assert (category.stage, list(category.groups.all())) == (stage, [group])
    retire(entry=plan.groups.get(), actor=editor, on=DAY, reason="")
    retire(entry=plan, actor=editor, on=DAY, reason="")
    take_back(editor)
    plan.refresh_from_db()
    assert plan.retired_on is None
    take_back(editor)
    plan.refresh_from_db()
    assert plan.retired_on == DAY, "what was taken back is taken back again: retired on the day that it was"


def test_what_was_made_is_deleted_unless_it_is_used(editor: User, editor_client: Client) -> None:
    group = a_group(a_stage("create"), "wiki")
    create(kind="category", key="editor", name="Editor", parents=[group], actor=editor, on=DAY)
    take_back(editor)
    assert not Category.objects.exists()
    made = create(kind="stage", key="fresh", name="Fresh", actor=editor, on=DAY)
    assert isinstance(made, Stage)
    change = latest()
    a_block(made, "slack", Item(label="#fresh"))
    assert "it has a page with content" in refused(change, editor)
    said = editor_client.post("/stages/new/section/", {"name": "Ops"}, follow=True).content.decode()
    assert "Ops is there." in said
    assert editor_client.post(f"/stages/changes/{latest().pk}/undo/")["Location"] == "/stages/"
    assert latest().how == "deleted"


@pytest.fixture
def merged(editor: User) -> tuple[Stage, Stage]:
    """A stage that was merged into another: groups, categories, blocks, people, a suggestion and a follower went."""
    source, target = a_stage("configure"), a_stage("deploy")
    a_group(source, "environments"), a_group(source, "flags")
    Category.objects.create(key="own", name="Own", stage=source)
    a_block(source, "dashboards", Item(label="A", url="/a"), note="From here")
    a_block(target, "dashboards", Item(label="B", url="/b"))
    a_block(source, "slack", Item(label="#s_configure"))
    set_people([(source, [("pm", "Ada")]), (target, [("em", "Bo")])])
    Suggestion.objects.create(stage=source, kind="okrs", base_version=3, content={}, author=editor)
    Follow.objects.create(user=editor, stage=source)
    merge(source=source, target=target, actor=editor, on=DAY, reason="Fewer")
    return source, target


def test_a_merge_is_taken_back_with_all_that_went_along(merged: tuple[Stage, Stage], editor: User) -> None:
    source, target = merged
    assert labels(target) == ["B", "A"]
    assert take_back(editor) == []
    source.refresh_from_db()
    assert source.retired_on is None
    assert {group.key for group in source.groups.all()} == {"environments", "flags"}
    assert Category.objects.get(key="own").stage == source
    assert (labels(target), labels(target, "slack"), labels(source)) == (["B"], [], ["A"])
    assert content_of(find_block(target, "dashboards")).note == ""
    assert [str(one.contact) for one in target.people.all()] == ["Bo"]
    assert [str(one.contact) for one in source.people.all()] == ["Ada"]
    suggestion = Suggestion.objects.get()
    assert (suggestion.stage, suggestion.base_version) == (source, 3)
    assert [one.stage for one in Follow.objects.all()] == [source]
    back = latest()
    assert (back.how, back.undoes and back.undoes.how) == ("restored", "merged")


def test_a_merge_that_was_taken_back_is_made_again_and_taken_back_again(
    merged: tuple[Stage, Stage], editor: User, editor_client: Client
) -> None:
    source, target = merged
    take_back(editor)
    parted = latest()
    assert parted.pk in undoable([parted], editor)
    assert undoable([parted], a_user("bea", "editor@stage:configure")) == frozenset(), "it touches the other as well"
    page = editor_client.get("/stages/configure/restructure/").content.decode()
    assert f'action="/stages/changes/{parted.pk}/undo/"' in page
    editor_client.post(f"/stages/changes/{parted.pk}/undo/")
    again = latest()
    assert (again.how, again.undoes, again.took["other"]) == ("merged", parted, target.pk)
    source.refresh_from_db()
    assert source.retired_on is not None
    assert {group.key for group in target.groups.all()} == {"environments", "flags"}
    assert (labels(target), labels(target, "slack")) == (["B", "A"], ["#s_configure"])
    assert [str(one.contact) for one in target.people.all()] == ["Bo", "Ada"]
    assert take_back(editor) == []
    assert Stage.objects.get(pk=source.pk).retired_on is None
    assert (labels(target), source.groups.count()) == (["B"], 2)
    Stage.objects.filter(pk=target.pk).update(retired_on=DAY)
    assert refused(latest(), editor) == "Deploy is retired; nothing is merged into it."


def test_what_was_changed_since_a_merge_stays_and_is_told(merged: tuple[Stage, Stage], editor: User) -> None:
    source, target = merged
    change = latest()
    move(entry=Group.objects.get(key="flags"), parent=a_stage("plan"), actor=editor, on=DAY)
    a_block(target, "dashboards", *content_of(find_block(target, "dashboards")).items, Item(label="C", url="/c"),
            note="From here")  # fmt: skip
    kept = content_of(find_block(target, "slack")).items[0]
    a_block(target, "slack", Item(id=kept.id, label="#s_configure", description="Ask here"))
    stayed = undo(change=change, user=editor).stayed
    assert stayed == [
        "Flags was moved since; it stays where it is.",
        "Slack channels of Deploy was changed since; it stays as it is.",
    ]
    assert (labels(target), labels(target, "slack")) == (["B", "C"], ["#s_configure"])
    assert {group.key for group in source.groups.all()} == {"environments"}


def test_a_merge_of_groups_categories_and_sections_is_taken_back(editor: User) -> None:
    dev, ops = a_section("dev"), a_section("ops")
    stage = a_stage("create", section=dev)
    wiki, pages = a_group(stage, "wiki"), a_group(stage, "pages")
    only, both = (Category.objects.create(key=key, name=key, stage=stage) for key in ("only", "both"))
    wiki.categories.set([only, both])
    pages.categories.set([both])
    pairs: list[tuple[Entry, Entry]] = [(wiki, pages), (only, both), (dev, ops)]
    for source, target in pairs:
        merge(source=source, target=target, actor=editor, on=DAY, reason="")
        assert take_back(editor) == []
        source.refresh_from_db()
        assert source.retired_on is None
        assert {one.key for one in wiki.categories.all()} == {"only", "both"}
        assert {one.key for one in pages.categories.all()} == {"both"}
        assert Stage.objects.get(key="create").section == dev


def test_a_split_is_taken_back_and_its_address_leads_to_the_first(
    editor: User, editor_client: Client, viewer_client: Client
) -> None:
    source = a_stage("secure")
    taken = a_group(source, "dast")
    a_block(source, "slack", Item(label="#s_secure"))
    new = split(
        source=source, key="test", name="Test", taking=[taken], kinds=["slack"], actor=editor, on=DAY, reason=""
    )
    change = latest()
    assert isinstance(new, Stage)
    extra = a_group(new, "fuzz")
    assert "the groups Fuzz belong to it" in refused(change, editor)
    taken.refresh_from_db()
    assert taken.stage == new, "nothing of a refused taking back happens"
    move(entry=extra, parent=source, actor=editor, on=DAY)
    undo(change=change, user=editor)
    taken.refresh_from_db()
    assert taken.stage == source
    assert "Test was merged into" in viewer_client.get("/stages/test/").content.decode()
    take_back(editor)
    taken.refresh_from_db()
    assert (taken.stage, Stage.objects.get(key="test").retired_on) == (new, None)


def test_a_split_of_each_other_kind_is_taken_back(editor: User) -> None:
    dev = a_section("dev")
    stage = a_stage("create", section=dev)
    group = a_group(stage, "wiki")
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(group)
    cases: list[tuple[Entry, list[Entry]]] = [(dev, [stage]), (group, [category]), (category, [])]
    for source, taking in cases:
        new = split(source=source, key="new", name="New", taking=taking, actor=editor, on=DAY, reason="")
        take_back(editor)
        new.refresh_from_db()
        assert new.retired_on is not None
        assert (Stage.objects.get().section, list(category.groups.all())) == (dev, [group])


def test_one_must_be_an_editor_of_all_that_taking_back_touches(editor: User) -> None:
    stage, plan = a_stage("create", section=a_section("dev")), a_stage("plan", section=a_section("ops"))
    move(entry=a_group(stage, "wiki"), parent=plan, actor=editor, on=DAY)
    bea = browser_of(a_user("bea", "editor@section:ops"))
    address = f"/stages/changes/{latest().pk}/undo/"
    assert address not in bea.get("/groups/wiki/restructure/").content.decode()
    assert bea.post(address).status_code == 403
    assert browser_of(editor).post(address).status_code == 302


def test_a_change_by_an_import_is_not_taken_back_here(editor: User, editor_client: Client) -> None:
    stage = a_stage("create")
    old = Succession.objects.create(kind="stage", how="retired", from_key="create", from_name="Create", on=DAY)
    assert f"/changes/{old.pk}/" not in editor_client.get("/stages/create/history/").content.decode()
    assert "That cannot be taken back here: the stage Create retired." in refused(old, editor)
    assert stage.retired_on is None


def test_the_api_takes_a_change_back(editor_client: Client) -> None:
    a_stage("create")
    json: dict[str, Any] = {"content_type": "application/json"}

    def send(path: str, body: dict[str, Any], key: str) -> Any:
        match = {"If-Match": editor_client.get(f"/api/v1/stages/{key}/")["ETag"]}
        return editor_client.post(f"/api/v1/stages/{key}/{path}/", body, headers=match, **json)

    send("rename", {"name": "Build", "key": "build"}, "create")
    told = editor_client.get("/api/v1/stages/build/history/").json()["happenings"]
    number = told[0]["undo"]
    assert editor_client.post("/api/v1/stages/build/undo/", {"change": number}, **json).status_code == 428
    assert send("undo", {"change": 0}, "build").status_code == 400
    done = send("undo", {"change": number, "reason": "A mistake"}, "build")
    assert (done.status_code, done.json()["key"], done.json()["stayed"]) == (200, "create", [])
    again = send("undo", {"change": number}, "create")
    assert (again.status_code, again.json()["errors"][0]["detail"]) == (400, "It was taken back already.")
    assert latest().reason.endswith("A mistake")
    editor_client.post("/api/v1/stages/", {"key": "fresh", "name": "Fresh"}, **json)
    made = editor_client.get("/api/v1/stages/fresh/history/").json()["happenings"][0]["undo"]
    assert send("undo", {"change": made}, "fresh").status_code == 204


def whole_structure() -> dict[tuple[str, int], Any]:
    """Everything that a change of the structure can change, by kind and number."""
    found: dict[tuple[str, int], Any] = {}
    for kind, model in MODELS.items():
        for row in model._default_manager.all():
            parent = getattr(row, "section_id", None) if kind == "stage" else getattr(row, "stage_id", None)
            groups = sorted(row.groups.values_list("pk", flat=True)) if isinstance(row, Category) else []
            blocks = (
                {one.kind: [item.label for item in content_of(one).items] for one in row.blocks.all()}
                if isinstance(row, Stage)
                else {}
            )
            filled = {name: items for name, items in blocks.items() if items}
            found[kind, row.pk] = (row.key, row.name, parent, row.retired_on, groups, filled)
    return found


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(before=STEPS, last=STEP)
def test_any_change_that_is_undone_leaves_what_was(
    editor: User, before: list[tuple[str, str, int, int]], last: tuple[str, str, int, int]
) -> None:
    with transaction.atomic():
        a_small_structure()
        walk(before, 100)
        was, known = whole_structure(), Succession.objects.count()
        walk([last], 200)
        if Succession.objects.count() > known:
            undo(change=latest(), user=editor)
            now = whole_structure()
            assert {place: now.get(place) for place in was} == was
            assert all(now[place][3] is not None for place in now.keys() - was.keys()), "what a split made is retired"
        transaction.set_rollback(True)


def test_what_was_made_stays_where_somebody_made_a_suggestion_for_it(editor: User) -> None:
    create(kind="stage", key="fresh", name="Fresh", actor=editor, on=DAY)
    Suggestion.objects.create(stage=Stage.objects.get(key="fresh"), kind="okrs", content={}, author=editor)
    assert "somebody made suggestions for it." in refused(latest(), editor)
    assert Suggestion.objects.exists()


def test_nothing_comes_back_under_a_name_that_is_another_s_by_now(editor: User) -> None:
    for how in ("retired", "merged"):
        old = a_stage(f"old-{how}", name=f"Deploy {how}")
        if how == "retired":
            retire(entry=old, actor=editor, on=DAY, reason="Over")
        else:
            merge(source=old, target=a_stage("plan"), actor=editor, on=DAY, reason="Fewer")
        change = latest()
        a_stage(f"new-{how}", name=f"Deploy {how}")
        assert f"There is a stage Deploy {how} already" in refused(change, editor)
        old.refresh_from_db()
        assert old.retired_on == DAY


def test_taking_a_merge_back_locks_in_the_order_in_which_a_merge_does(editor: User) -> None:
    target, source = a_stage("plan"), a_stage("create")
    merge(source=source, target=target, actor=editor, on=DAY, reason="Fewer")
    with CaptureQueriesContext(connection) as asked:
        take_back(editor)
    held = re.findall(r'"stages_stage"."id" = (\d+) LIMIT 21 FOR NO KEY UPDATE', str([one["sql"] for one in asked]))
    assert list(dict.fromkeys(int(number) for number in held)) == sorted([source.pk, target.pk])


def test_putting_a_stage_back_into_no_section_needs_an_editor_of_everything(editor: User) -> None:
    stage, dev = a_stage("create"), a_section("dev")
    move(entry=stage, parent=dev, actor=editor, on=DAY)
    of_dev = a_user("of-dev", "editor@section:dev")
    assert undoable([latest()], of_dev) == frozenset()
    with pytest.raises(PermissionDenied, match="no section"):
        undo(change=latest(), user=of_dev)
    assert undoable([latest()], editor) == {latest().pk}
    undo(change=latest(), user=editor)
    stage.refresh_from_db()
    assert stage.section is None
