"""The structure changes; links and history follow, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from portal.models import User
from stages.contacts import set_people
from stages.content import Item
from stages.editing import content_of, find_block
from stages.handbook.documents import page_of
from stages.handbook.importing import digest_of, import_page
from stages.handbook.reading import HandbookError
from stages.models import Block, Category, FormerKey, Group, Section, Stage, Succession
from stages.queries import group_named
from stages.restructuring import (
    RestructureRefused,
    bring_back,
    create,
    delete,
    joining,
    lifecycle,
    merge,
    move,
    rename,
    retire,
    split,
)
from stages.restructuring.common import one_at_a_time
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 28)


def test_a_renamed_stage_is_found_under_its_old_addresses(viewer_client: Client) -> None:
    stage = a_stage("create")
    rename(entry=stage, name="Build", key="build", actor=None, on=DAY, reason="Clearer")
    rename(entry=stage, name="Make", key="make", actor=None, on=DAY)
    for old in ("create", "build"):
        assert viewer_client.get(f"/stages/{old}/", follow=True).redirect_chain[-1][0] == "/stages/make/"
    assert [one.to_name for one in Succession.objects.order_by("pk")] == ["Build", "Make"]
    rename(entry=stage, name="Create", key="create", actor=None, on=DAY)
    assert not FormerKey.objects.filter(key="create").exists()
    assert viewer_client.get("/stages/create/").status_code == 200


def test_a_taken_or_hostile_key_is_refused() -> None:
    a_stage("plan")
    for key in ("plan", "A B", "../x"):
        with pytest.raises(RestructureRefused):
            rename(entry=a_stage(), name="X", key=key, actor=None, on=DAY)


def test_a_circle_is_refused_with_a_sentence() -> None:
    stage = a_stage("create")
    with pytest.raises(RestructureRefused, match="circle"):
        move(entry=stage, parent=stage, actor=None, on=DAY)
    with pytest.raises(RestructureRefused, match="into itself"):
        merge(source=stage, target=stage, actor=None, on=DAY, reason="")


def test_a_merged_stage_leads_on_and_loses_no_content(viewer_client: Client) -> None:
    source, target = a_stage("configure"), a_stage("deploy")
    group = a_group(source, "environments")
    a_block(source, "dashboards", Item(label="A", url="/a"), note="From here")
    a_block(target, "dashboards", Item(label="B", url="/b"))
    merge(source=source, target=target, actor=None, on=DAY, reason="Fewer")
    content = content_of(find_block(target, "dashboards"))
    assert [item.label for item in content.items] == ["B", "A"]
    assert content.note == "From here"
    group.refresh_from_db()
    assert group.stage == target
    assert "Deploy" in viewer_client.get("/stages/configure/").content.decode()
    assert Stage.objects.get(key="configure").retired_on == DAY


def test_a_split_takes_its_groups_and_copies_blocks() -> None:
    source = a_stage("secure", section=a_section("sec"))
    taken, stays = a_group(source, "dast"), a_group(source, "sast")
    a_block(source, "slack", Item(label="#s_secure"))
    new = split(source=source, key="test", name="Test", taking=[taken], kinds=["slack"], actor=None, on=DAY, reason="")
    assert isinstance(new, Stage)
    taken.refresh_from_db()
    stays.refresh_from_db()
    assert (taken.stage, stays.stage) == (new, source)
    assert content_of(find_block(new, "slack")).items == content_of(find_block(source, "slack")).items
    with pytest.raises(RestructureRefused, match="already"):
        split(source=source, key="test", name="Test", actor=None, on=DAY, reason="")


def test_what_is_referred_to_is_neither_retired_nor_deleted() -> None:
    section = a_section("dev")
    stage = a_stage("create", section=section)
    a_block(stage, "slack", Item(label="#s_create"))
    with pytest.raises(RestructureRefused, match="Create belong to it"):
        retire(entry=section, actor=None, on=DAY, reason="")
    with pytest.raises(RestructureRefused, match="it has a page with content"):
        delete(entry=stage, actor=None)
    mistake = a_stage("typo")
    delete(entry=mistake, actor=None)
    assert not Stage.objects.filter(key="typo").exists()


def test_a_retired_group_still_answers_old_metrics() -> None:
    group = a_group(a_stage("create"), "source_code")
    retire(entry=group, actor=None, on=DAY, reason="Gone")
    assert group_named("group::source code") == group


def test_the_forms_do_what_they_say(editor_client: Client, viewer_client: Client) -> None:
    a_stage("create")
    page = "/stages/create/restructure/"
    assert viewer_client.post(page, {"action": "rename", "name": "X"}).status_code == 403
    done = editor_client.post(page, {"action": "rename", "name": "Build", "key": "build", "on": "2026-11-20"})
    assert done["Location"] == "/stages/build/"
    assert Succession.objects.get().on == date(2026, 11, 20)
    refused = editor_client.post("/stages/build/restructure/", {"action": "rename", "name": "X", "on": "nonsense"})
    assert refused.status_code == 422
    assert "nonsense is no day" in refused.content.decode()


@pytest.mark.parametrize("kind", ["section", "stage", "group", "category"])
def test_each_kind_is_made_renamed_split_merged_retired_and_brought_back_on_its_pages(
    editor_client: Client, kind: str
) -> None:
    section = a_section("ops")
    stage = a_stage("deploy", section=section)
    group = a_group(stage, "environments")
    parent = {"section": "", "stage": section.key, "group": stage.key, "category": group.key}[kind]
    sent = {"name": "First One", "parents": parent, "reason": "Needed"}
    made = editor_client.post(f"/stages/new/{kind}/", sent)
    first = made["Location"]
    assert first.endswith("/first_one/")
    assert "First One" in editor_client.get(first).content.decode()
    page = f"{first}restructure/"
    split_off = editor_client.post(page, {"action": "split", "name": "Second", "key": "second"})["Location"]
    renamed = editor_client.post(page, {"action": "rename", "name": "Primus", "key": "primus"})["Location"]
    assert editor_client.get(first, follow=True).redirect_chain[-1][0] == renamed
    page = f"{renamed}restructure/"
    editor_client.post(page, {"action": "retire", "reason": "Over"})
    assert "is retired" in editor_client.get(renamed).content.decode()
    editor_client.post(page, {"action": "bring_back"})
    merged = editor_client.post(page, {"action": "merge", "target": "second"})["Location"]
    assert merged == split_off
    assert "Primus was merged into" in editor_client.get(renamed).content.decode()
    hows = list(Succession.objects.filter(kind=kind).order_by("pk").values_list("how", flat=True))
    assert hows == ["created", "split", "renamed", "retired", "restored", "merged"]


def test_a_merged_group_hands_its_categories_and_people_over() -> None:
    stage = a_stage("create")
    source, target = a_group(stage, "wiki"), a_group(stage, "pages")
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(source)
    set_people([(source, [("pm", "Ada")]), (target, [("em", "Bo")])])
    merge(source=source, target=target, actor=None, on=DAY, reason="Fewer")
    assert list(category.groups.all()) == [target]
    assert [(one.role, str(one.contact)) for one in target.people.order_by("order")] == [("em", "Bo"), ("pm", "Ada")]


def test_a_split_group_takes_the_categories_that_are_chosen_and_no_others() -> None:
    stage = a_stage("create")
    source, other = a_group(stage, "wiki"), a_group(stage, "pages")
    goes, stays = (Category.objects.create(key=key, name=key, stage=stage) for key in ("goes", "stays"))
    source.categories.set([goes, stays])
    other.categories.set([stays])
    new = split(source=source, key="new", name="New", taking=[goes], actor=None, on=DAY, reason="")
    assert {group.key for group in goes.groups.all()} == {"new"}
    assert {group.key for group in stays.groups.all()} == {"wiki", "pages"}
    with pytest.raises(RestructureRefused, match="Only categories of New can go with it; stays cannot"):
        split(source=new, key="newer", name="Newer", taking=[stays], actor=None, on=DAY, reason="")


def test_a_role_within_a_stage_follows_its_new_key() -> None:
    stage = a_stage("create")
    bea = a_user("bea", "editor@stage:create", "editor@stage:build")
    rename(entry=stage, name="Build", key="build", actor=None, on=DAY)
    assert list(bea.role_grants.values_list("scope", flat=True)) == ["stage:build"]


def test_an_old_key_is_not_given_to_another_and_reserved_words_to_none() -> None:
    rename(entry=a_stage("create"), name="Build", key="build", actor=None, on=DAY)
    for key, sentence in (("create", "Old links"), ("board", "used by a page"), ("build", "already")):
        with pytest.raises(RestructureRefused, match=sentence):
            create(kind="stage", key=key, name="X", actor=None, on=DAY)


def test_nothing_is_moved_or_merged_where_one_is_no_editor() -> None:
    dev, ops = a_section("dev"), a_section("ops")
    stage, foreign = a_stage("create", section=dev), a_stage("deploy", section=ops)
    group = a_group(stage, "wiki")
    bea = browser_of(a_user("bea", "editor@section:dev"))
    for page, sent in (
        ("/stages/create/restructure/", {"action": "move", "parents": "ops"}),
        ("/stages/create/restructure/", {"action": "merge", "target": "deploy"}),
        ("/groups/wiki/restructure/", {"action": "move", "parents": "deploy"}),
        ("/sections/dev/restructure/", {"action": "split", "name": "New", "key": "new"}),
        ("/stages/new/section/", {"name": "New"}),
        ("/stages/new/stage/", {"name": "New", "parents": "ops"}),
        ("/stages/deploy/restructure/", {"action": "rename", "name": "X"}),
    ):
        assert bea.post(page, sent).status_code == 403, (page, sent)
    for entry in (stage, foreign, group):
        entry.refresh_from_db()
    assert (stage.section, group.stage, foreign.name) == (dev, stage, "Deploy")
    assert bea.post("/stages/new/group/", {"name": "New", "parents": "create"})["Location"] == "/groups/new/"


def test_a_category_belongs_to_the_groups_that_are_chosen(editor_client: Client) -> None:
    stage, other = a_stage("create"), a_stage("plan")
    wiki, pages = a_group(stage, "wiki"), a_group(other, "pages")
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(wiki)
    editor_client.post("/categories/editor/restructure/", {"action": "move", "parents": ["pages"], "reason": "Moved"})
    category.refresh_from_db()
    assert (list(category.groups.all()), category.stage) == ([pages], other)
    told = editor_client.get("/categories/editor/facts/history/").content.decode()
    assert "Editor (of Wiki)" in told
    assert "Moved" in told


def test_a_group_that_alone_builds_something_is_not_retired() -> None:
    group = a_group(a_stage("create"), "wiki")
    category = Category.objects.create(key="editor", name="Editor", stage=group.stage)
    category.groups.add(group)
    with pytest.raises(RestructureRefused, match="no other group builds the categories Editor"):
        retire(entry=group, actor=None, on=DAY, reason="")
    category.groups.add(a_group(group.stage, "pages"))
    retire(entry=group, actor=None, on=DAY, reason="")


def test_a_change_that_lies_ahead_is_refused() -> None:
    with pytest.raises(RestructureRefused, match="lies ahead"):
        retire(entry=a_stage("create"), actor=None, on=date(2999, 1, 1), reason="")
    assert not Succession.objects.exists()


@pytest.mark.parametrize("name", ["Create", "create stage", " CREATE "])
def test_two_stages_in_use_have_no_name_in_common(name: str) -> None:
    create_stage, plan = a_stage("create"), a_stage("plan")
    with pytest.raises(RestructureRefused, match="There is a stage Create already"):
        rename(entry=plan, name=name, key=None, actor=None, on=DAY)
    with pytest.raises(RestructureRefused, match="There is a stage Create already"):
        split(source=plan, key="other", name=name, actor=None, on=DAY, reason="")
    with pytest.raises(RestructureRefused, match="There is a stage Create already"):
        create(kind="stage", key="other", name=name, actor=None, on=DAY)
    retire(entry=create_stage, actor=None, on=DAY, reason="")
    rename(entry=plan, name=name, key=None, actor=None, on=DAY)
    assert Stage.objects.get(key="plan").name == " ".join(name.split())


def test_what_is_split_off_gets_its_key_from_its_name(editor_client: Client) -> None:
    a_stage("create")
    page = "/stages/create/restructure/"
    made = editor_client.post(page, {"action": "split", "name": "Make & Mend", "key": ""})
    assert made["Location"] == "/stages/make_mend/"
    assert editor_client.post(page, {"action": "split", "name": " ", "key": ""}).status_code == 422


def test_who_gets_the_key_of_something_deleted_does_not_get_its_editors(editor: User) -> None:
    mistake = create(kind="stage", key="make", name="Make", parents=[], actor=editor, on=DAY)
    person = a_user("keen", "editor@stage:make")
    delete(entry=mistake, actor=editor)
    other = create(kind="stage", key="make", name="Another", parents=[], actor=editor, on=DAY)
    assert browser_of(person).get(f"{other.get_absolute_url()}facts/").status_code == 403
    assert not person.role_grants.exists()


def test_what_was_brought_back_after_a_merge_and_retired_anew_leads_nowhere(
    editor: User, viewer_client: Client
) -> None:
    source, target = a_stage("create"), a_stage("plan")
    merge(source=source, target=target, actor=editor, on=DAY, reason="")
    rename(entry=source, name="Make", key="make", actor=editor, on=DAY)
    assert "was merged into" in viewer_client.get("/stages/make/").content.decode()
    bring_back(entry=source, actor=editor, on=DAY)
    retire(entry=source, actor=editor, on=DAY, reason="For good")
    told = viewer_client.get("/stages/make/").content.decode()
    assert "was merged into" not in told
    assert "is retired" in told


def test_a_form_that_was_opened_before_somebody_else_s_change_changes_nothing(editor_client: Client) -> None:
    stage = a_stage("create")
    page = "/stages/create/restructure/"
    opened = editor_client.get(page).content.decode()
    assert f'name="version" value="{stage.version}"' in opened
    rename(entry=stage, name="Creation", key=None, actor=None, on=date(2026, 11, 1))
    answer = editor_client.post(page, {"action": "rename", "name": "Make", "on": "2026-11-02", "version": "1"})
    told = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody changed Creation meanwhile" in told
    assert 'value="Make"' in told
    stage.refresh_from_db()
    assert stage.name == "Creation"


ON_A_DAY = {"on": "2026-11-20", "reason": "Fewer & better"}


@pytest.mark.parametrize(
    ("sent", "status", "field", "kept"),
    [
        ({"action": "rename", "name": "Plan", "key": "other"}, 422, "r-name",
         ['value="Plan"', 'value="other"']),
        ({"action": "rename", "name": "Make", "on": "someday"}, 422, "r-on", ['value="Make"', 'value="someday"']),
        ({"action": "move", "parents": ["ops", "dev"]}, 422, "m-parents", ['value="ops" selected']),
        ({"action": "split", "name": "New", "key": "plan", "taking": ["wiki"], "kinds": ["slack"]}, 422, "s-key",
         ['value="New"', 'name="taking" value="wiki" checked', 'name="kinds" value="slack" checked']),
        ({"action": "split", "name": "Newer", "taking": ["wiki", "boards"]}, 422, "s-taking",
         ['name="taking" value="wiki" checked', "Boards cannot"]),
        ({"action": "split", "name": "Newer", "kinds": ["x"], "taking": ["wiki"]}, 422, "s-kinds",
         ['name="taking" value="wiki" checked']),
        ({"action": "merge", "target": "third"}, 422, "x-target", []),
        ({"action": "merge", "target": "plan", "version": "0"}, 409, "", ['value="plan" selected']),
        ({"action": "retire"}, 422, "", ["Move or retire them first."]),
        ({"action": "delete"}, 422, "", ["Retire it instead."]),
    ],
)  # fmt: skip
def test_a_refused_form_keeps_all_that_was_sent_and_says_at_the_field_what_is_wrong(
    sent: dict[str, Any], status: int, field: str, kept: list[str], editor_client: Client
) -> None:
    stage, plan = a_stage("create", section=a_section("dev")), a_stage("plan")
    a_group(stage, "wiki")
    a_group(plan, "boards")
    a_section("ops")
    page = "/stages/create/restructure/"
    before = [(one.key, one.name) for one in Stage.objects.order_by("pk")]
    answer = editor_client.post(page, {**ON_A_DAY, **sent})
    told = answer.content.decode()
    assert answer.status_code == status
    mark = "Delete</h2>" if sent["action"] == "delete" else f'name="action" value="{sent["action"]}"'
    form = next(one for one in told.split("<form ") if mark in one)
    assert [one for one in kept if one not in form] == []
    if sent["action"] != "delete":
        assert 'value="Fewer &amp; better"' in form
        assert sent.get("on", "2026-11-20") in form
    focused = re.findall(r"<[^>]*\bautofocus\b[^>]*>", told)
    assert len(focused) == 1
    if field:
        assert f'aria-describedby="{field}-error' in focused[0]
        assert f'id="{field}-error"' in form
    else:
        assert 'role="alert"' in focused[0]
    assert [(one.key, one.name) for one in Stage.objects.order_by("pk")] == before


def test_the_refused_form_of_a_new_one_keeps_its_day_and_reason(editor_client: Client) -> None:
    a_stage("create", section=a_section("dev"))
    sent = {"name": "Wiki", "key": "W!", "parents": "create", **ON_A_DAY}
    told = editor_client.post("/stages/new/group/", sent).content.decode()
    for kept in ('value="Wiki"', 'value="W!"', 'value="create" selected', 'value="2026-11-20"', "Fewer &amp; better"):
        assert kept in told
    (focused,) = re.findall(r"<[^>]*\bautofocus\b[^>]*>", told)
    assert 'id="n-key"' in focused
    assert 'id="n-key-error"' in told
    ahead = editor_client.post("/stages/new/group/", {**sent, "key": "wiki", "on": "2999-01-01"}).content.decode()
    assert 'id="n-on-error"' in ahead
    assert not Group.objects.exists()


@pytest.mark.parametrize(
    ("page", "sent"),
    [
        ("/stages/new/stage/", {"name": " ", "parents": "dev"}),
        ("/stages/create/restructure/", {"action": "split", "name": " "}),
    ],
)
def test_something_new_without_a_name_is_refused_at_its_name(
    page: str, sent: dict[str, str], editor_client: Client
) -> None:
    a_stage("create", section=a_section("dev"))
    told = editor_client.post(page, sent).content.decode()
    (focused,) = re.findall(r"<[^>]*\bautofocus\b[^>]*>", told)
    assert 'name="name"' in focused
    assert "Give a name." in told
    assert Stage.objects.count() == 1


@pytest.mark.parametrize(
    "page", ["history", "suggestions", "export/markdown", "edit/description", "restructure", "facts", "people"]
)
def test_the_pages_of_a_stage_are_there_under_its_old_key(page: str, editor_client: Client) -> None:
    stage = a_stage("create", section=a_section("dev"))
    rename(entry=stage, name="Build", key="build", actor=None, on=date(2026, 11, 1))
    assert editor_client.get(f"/stages/create/{page}/").status_code == 200
    assert editor_client.get(f"/stages/never/{page}/").status_code == 404


def test_what_an_open_form_sends_to_an_old_key_reaches_the_stage(editor_client: Client) -> None:
    stage = a_stage("create", section=a_section("dev"))
    rename(entry=stage, name="Build", key="build", actor=None, on=date(2026, 11, 1))
    sent = {"action": "rename", "name": "Make", "key": "build"}
    assert editor_client.post("/stages/create/restructure/", sent)["Location"] == "/stages/build/"
    stage.refresh_from_db()
    assert stage.name == "Make"


def test_a_stage_of_a_page_that_is_called_like_a_page_of_the_catalog_has_an_address_of_its_own(
    viewer_client: Client,
) -> None:
    text = "#### Board Stage\n##### Slack\n**#a**\n"
    import_page(page=page_of(text, "page.md"), source="page.md", digest=digest_of(text))
    stage = Stage.objects.get()
    assert viewer_client.get(stage.get_absolute_url()).context["stage"] == stage


def test_a_page_that_names_one_stage_under_its_old_and_its_new_name_is_refused() -> None:
    rename(entry=a_stage("steer", name="Steer"), name="Navigate", key="navigate", actor=None, on=date(2026, 11, 1))
    text = "#### Steer Stage\n##### Slack\n**#a**\n\n#### Navigate Stage\n##### Slack\n**#b**\n"
    with pytest.raises(HandbookError, match=r"line 5: Navigate and Steer \(line 1\) are one stage here, Navigate"):
        import_page(page=page_of(text, "page.md"), source="page.md", digest=digest_of(text))
    assert not Block.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_free_key_is_given_once_when_two_ask_for_it_at_the_same_time() -> None:
    section = a_section("dev")
    results: list[str] = []

    def ask() -> None:
        try:
            create(kind="stage", key="make", name="Make", parents=[section], actor=None, on=date(2026, 11, 1))
            results.append("made")
        except RestructureRefused as error:
            results.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():
        one_at_a_time()
        asking = [Thread(target=ask) for _ in range(2)]
        for thread in asking:
            thread.start()
    for thread in asking:
        thread.join()
    assert sorted(results)[1:] == ["made"]
    assert "make" in sorted(results)[0].casefold()
    assert Stage.objects.filter(key="make").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("made", ["under it", "beside its part"])
def test_whoever_makes_something_and_whoever_renames_where_it_goes_do_not_wait_for_each_other(
    made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one has the entry and asks for a name, the other has the lock for names and puts something there."""
    section = a_section("dev")
    stage = a_stage("create", section=section)
    both, begun, told = Barrier(2), Barrier(2), dict[str, str]()

    def met(module: Any, name: str) -> None:
        lock = getattr(module, name)

        def then_wait(*args: Any, **more: Any) -> Any:
            found = lock(*args, **more)
            with suppress(BrokenBarrierError):
                both.wait(timeout=1)
            return found

        monkeypatch.setattr(module, name, then_wait)

    def make() -> None:
        if made == "under it":
            create(kind="stage", key="plan", name="Plan", parents=[Section.objects.get()], actor=None, on=DAY)
        else:
            split(source=Stage.objects.get(pk=stage.pk), key="plan", name="Plan", actor=None, on=DAY, reason="")

    def rename_it() -> None:
        rename(entry=section, name="Development", key="development", actor=None, on=DAY)

    def run(name: str, do: Callable[[], None]) -> None:
        begun.wait()
        try:
            do()
            told[name] = "done"
        except OperationalError as error:
            told[name] = str(error)
        finally:
            connection.close()

    met(lifecycle if made == "under it" else joining, "one_at_a_time")
    met(lifecycle, "locked")
    threads = [Thread(target=run, args=one) for one in (("makes", make), ("renames", rename_it))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"makes": "done", "renames": "done"}
    assert Stage.objects.get(key="plan").section == Section.objects.get(key="development")


def test_splitting_off_makes_something_new_and_needs_an_editor_of_where_it_will_be() -> None:
    dev = a_section("dev")
    a_group(a_stage("create", section=dev), "wiki")
    of_stage, of_section = (
        browser_of(a_user(name, f"editor@{name.replace('-', ':')}")) for name in ("stage-create", "section-dev")
    )
    wish = {"action": "split", "name": "Paper"}
    assert "Split off a new stage" not in of_stage.get("/stages/create/restructure/").content.decode()
    assert of_stage.post("/stages/create/restructure/", wish).status_code == 403
    assert "Split off a new group" in of_stage.get("/groups/wiki/restructure/").content.decode()
    assert of_stage.post("/groups/wiki/restructure/", {**wish, "name": "Notes"}).status_code == 302
    assert "Split off a new section" not in of_section.get("/sections/dev/restructure/").content.decode()
    assert of_section.post("/sections/dev/restructure/", wish).status_code == 403
    assert of_section.post("/stages/create/restructure/", wish).status_code == 302
    assert sorted(Stage.objects.values_list("key", flat=True)) == ["create", "paper"]


def test_old_links_are_spoken_of_only_where_the_key_changed(editor_client: Client) -> None:
    a_stage("create")
    sent = {"action": "rename", "name": "Build", "key": "create"}
    page = editor_client.post("/stages/create/restructure/", sent, follow=True).content.decode()
    assert "Renamed the stage Create to Build." in page
    assert "Old links lead on" not in page
