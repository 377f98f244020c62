"""A change of the structure on a day ahead: nothing before it, that change on it, a sentence where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import Notification, RoleGrant, User
from stages.contributions import health
from stages.models import Category, Group, PlannedChange, Stage, Succession
from stages.plugin import plugin
from stages.restructuring import RestructureRefused, delete, lifecycle, move, planning, rename, retire
from stages.restructuring.common import today
from stages.restructuring.planning import carry_out_now, plan
from stages.restructuring.wishes import Wish, carry_out
from stages.tasks import carry_out_planned
from tests.builders import a_user
from tests.conftest import WithPlugins, browser_of
from tests.stages.builders import a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
DAY = date(2027, 2, 1)


@pytest.fixture(autouse=True)
def _before_the_day() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC)):
        yield


@pytest.fixture
def stage() -> Stage:
    return a_stage("create", section=a_section("dev"))


def planned(client: Client, action: str, path: str = "/stages/create/", **sent: Any) -> PlannedChange:
    """Plan by the form of the structure page."""
    answer = client.post(f"{path}restructure/", {"action": action, "on": str(DAY), "reason": "Budget", **sent})
    assert answer.status_code == 302, answer.content.decode()
    return PlannedChange.objects.order_by("-pk")[0]


def on_the_day(hour: int = 1) -> time_machine.travel:
    return time_machine.travel(datetime(DAY.year, DAY.month, DAY.day, hour), tick=False)


def test_a_day_ahead_is_planned_shown_and_changes_nothing_before(
    stage: Stage, editor: User, editor_client: Client, viewer_client: Client
) -> None:
    planned(editor_client, "retire")
    assert carry_out_planned() == "Nothing was planned for today."
    stage.refresh_from_db()
    assert (stage.retired_on, stage.version, Succession.objects.count()) == (None, 1, 0)
    for address in ("/stages/create/", "/stages/board/", "/stages/create/history/"):
        page = viewer_client.get(address).content.decode()
        assert "1 Feb 2027" in page, address
        assert "Budget" in page, address
    said = viewer_client.get("/stages/create/").content.decode()
    assert "Create will be retired on" in said
    assert "says Editor: “Budget”" in said
    assert "Do it now" not in said
    assert "Do it now" in editor_client.get("/stages/create/restructure/").content.decode()


def test_on_the_day_it_is_done_once_by_whom_and_why(stage: Stage, editor: User, editor_client: Client) -> None:
    planned(editor_client, "retire")
    rename(entry=stage, name="Build", key="build", actor=editor, on=today())
    with on_the_day():
        assert carry_out_planned() == "1 planned changes done, 0 could not be done."
        assert carry_out_planned() == "Nothing was planned for today."
    stage.refresh_from_db()
    assert (stage.key, stage.retired_on) == ("build", DAY)
    change = Succession.objects.get(how="retired")
    assert (change.from_key, change.on, change.actor, change.reason) == ("build", DAY, editor, "Budget")
    assert "will be retired" not in editor_client.get("/stages/build/").content.decode()


def test_each_kind_of_change_is_planned_by_rows_and_done_in_order(stage: Stage, editor_client: Client) -> None:
    ops, plan = a_section("ops"), a_stage("plan")
    wiki, pages = a_group(stage, "wiki"), a_group(stage, "pages")
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(wiki)
    planned(editor_client, "move", parents="ops")
    planned(editor_client, "rename", name="Build", key="build")
    planned(editor_client, "split", name="Know", key="know", taking="pages")
    planned(editor_client, "merge", "/groups/wiki/", target="pages")
    planned(editor_client, "move", "/groups/pages/", parents="plan")
    planned(editor_client, "move", "/categories/editor/", parents=["pages", "wiki"])
    words = {
        "/stages/create/": ["moved to Ops", "renamed to Build", "split, with Know as the new one", "merged into Pages"],
        "/groups/pages/": ["moved to Plan"],
        "/categories/editor/": ["moved to Pages, Wiki"],
    }
    for address, said in words.items():
        page = editor_client.get(address).content.decode()
        for text in said:
            assert f"ill be {text} on" in page, text
    rename(entry=ops, name="Operations", key="operations", actor=None, on=today())
    with on_the_day():
        report = carry_out_planned()
    # When the category's turn comes, the group that should go on building it was merged away.
    assert report == "5 planned changes done, 1 could not be done."
    for entry in (stage, wiki, pages, category):
        entry.refresh_from_db()
    assert (stage.key, stage.section) == ("build", ops)
    assert (wiki.retired_on, pages.stage, list(category.groups.all())) == (DAY, plan, [pages])
    assert Stage.objects.filter(key="know").exists()


def test_what_can_no_longer_be_done_is_told_and_holds_up_nothing(
    stage: Stage, editor: User, editor_client: Client, viewer_client: Client
) -> None:
    bea = a_user("bea", "editor@stage:create")
    planned(browser_of(bea), "rename", name="Build")
    failing = planned(editor_client, "retire")
    other = a_stage("plan")
    planned(editor_client, "retire", "/stages/plan/")
    a_group(stage, "wiki")
    RoleGrant.objects.filter(user=bea).delete()
    with on_the_day():
        assert carry_out_planned() == "1 planned changes done, 2 could not be done."
    other.refresh_from_db()
    failing.refresh_from_db()
    assert other.retired_on == DAY
    assert (failing.state, failing.sentence) == (
        "failed", "Create cannot be retired: the groups Wiki belong to it. Move or retire them first.",
    )  # fmt: skip
    page = viewer_client.get("/stages/create/").content.decode()
    assert "was to be retired on" in page
    assert "It could not be done: Bea may not do it any more. This needs the role editor" in page
    assert "the groups Wiki belong to it" in viewer_client.get("/stages/board/").content.decode()
    assert "2 planned changes could not be done" in health().sentence
    assert Notification.objects.filter(user=editor, sentence__contains="could not be done").count() == 1
    Group.objects.all().update(stage=other)
    editor_client.post(f"/stages/planned/{failing.pk}/", {"action": "now"})
    stage.refresh_from_db()
    failing.refresh_from_db()
    assert (stage.retired_on, failing.state) == (today(), "done")


def test_what_is_gone_on_the_day_is_named(stage: Stage, editor_client: Client) -> None:
    mistake = a_stage("mistake")
    change = planned(editor_client, "merge", target="mistake")
    of_nothing = planned(editor_client, "retire", "/stages/mistake/")
    leaving = planned(browser_of(a_user("gone", "editor")), "rename", name="X")
    assert leaving.actor is not None
    leaving.actor.delete()
    mistake.delete()
    with on_the_day():
        carry_out_planned()
    for one, sentence in (
        (change, "A stage that it has to do with was deleted since."),
        (of_nothing, "A stage that it has to do with was deleted since."),
        (leaving, "The account of Gone is gone."),
    ):
        one.refresh_from_db()
        assert (one.state, one.sentence) == ("failed", sentence)
    assert "merged into something that is no more" in editor_client.get("/stages/create/").content.decode()


def test_a_plan_is_cancelled_or_done_now_by_who_may(stage: Stage, editor_client: Client, viewer_client: Client) -> None:
    change = planned(editor_client, "rename", name="Build", key="build")
    address = f"/stages/planned/{change.pk}/"
    for action in ("cancel", "now"):
        assert viewer_client.post(address, {"action": action}).status_code == 403
    editor_client.post(address, {"action": "cancel"})
    change.refresh_from_db()
    assert change.state == "cancelled"
    assert "cancelled for 1 Feb 2027" in editor_client.get("/stages/create/history/").content.decode()
    again = editor_client.post(address, {"action": "now"}, follow=True).content.decode()
    assert "It was not done. It is settled already: Cancelled." in again
    change = planned(editor_client, "rename", name="Build", key="build")
    done = editor_client.post(f"/stages/planned/{change.pk}/", {"action": "now"}, follow=True)
    assert done.redirect_chain[-1][0] == "/stages/build/"
    assert "Undo" in done.content.decode()
    assert Succession.objects.get().on == today()


def test_what_is_wrong_already_is_refused_when_it_is_planned(stage: Stage, editor_client: Client) -> None:
    a_stage("plan", section=a_section("ops"))
    planned(editor_client, "retire")
    bea = browser_of(a_user("bea", "editor@section:dev"))
    cases = (
        ({"action": "retire"}, "To retire Create is planned for 1 Feb 2027 already. Cancel that first."),
        ({"action": "rename", "name": "X", "key": "plan"}, "There is a stage with the key plan already."),
        ({"action": "rename", "name": " "}, "Give a name."),
        ({"action": "merge", "target": "create"}, "cannot be merged into itself"),
        ({"action": "move", "parents": "nowhere"}, "There is no section with the key"),
    )
    for sent, sentence in cases:
        refused = editor_client.post("/stages/create/restructure/", {"on": str(DAY), **sent})
        assert (refused.status_code, sentence in refused.content.decode()) == (422, True), sentence
    foreign = {"on": str(DAY), "action": "move", "parents": "ops"}
    assert bea.post("/stages/create/restructure/", foreign).status_code == 403
    assert PlannedChange.objects.count() == 1
    retire(entry=Stage.objects.get(key="plan"), actor=None, on=today(), reason="")
    back = editor_client.post("/stages/plan/restructure/", {"on": str(DAY), "action": "rename", "name": "Planning"})
    assert "Plan is retired; bring it back before you plan something for it." in back.content.decode()


def test_a_run_that_meets_a_mistake_of_ours_goes_on(
    stage: Stage, editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = planned(editor_client, "retire"), a_stage("plan")
    planned(editor_client, "rename", "/stages/plan/", name="Planning")

    def broken(entry: Any, wish: Any, user: Any) -> Any:
        if wish.action == "retire":
            raise ZeroDivisionError
        return carry_out(entry, wish, user)

    monkeypatch.setattr("stages.restructuring.planning.carry_out", broken)
    with on_the_day():
        carry_out_planned()
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.state, first.sentence) == ("failed", "An unexpected error stopped it; the log tells more.")
    assert other.name == "Planning"


def test_the_stage_page_asks_no_question_more_for_what_is_planned(
    stage: Stage, viewer_client: Client, editor_client: Client, with_plugins: WithPlugins
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            viewer_client.get("/stages/create/")
        return len(queries)

    a_group(stage, "wiki")
    with with_plugins(plugin, only=True):
        asked()
        before = asked()
        planned(editor_client, "move", parents="dev")
        planned(editor_client, "retire", "/groups/wiki/")
        assert asked() == before


def test_it_is_carried_out_every_hour() -> None:
    schedule = next(one for one in plugin.schedules if one.task == "stages.tasks.carry_out_planned")
    when: Any = schedule.when
    assert when.minute == {10}


def test_the_api_plans_lists_cancels_and_carries_out(
    stage: Stage, editor_client: Client, viewer_client: Client
) -> None:
    json: dict[str, Any] = {"content_type": "application/json"}

    def send(client: Client, path: str, body: Any = None, *, of: str = "/api/v1/stages/create/") -> Any:
        return client.post(path, body or {}, headers={"If-Match": editor_client.get(of)["ETag"]}, **json)

    body = {"name": "Build", "on": str(DAY), "reason": "Budget"}
    made = send(editor_client, "/api/v1/stages/create/rename/", body)
    assert (made.status_code, made.json()["entry"], made.json()["state"]) == (202, "stage:create", "waiting")
    stage.refresh_from_db()
    assert (stage.name, stage.version) == ("Create", 1)
    again = send(editor_client, "/api/v1/stages/create/rename/", body)
    assert (again.status_code, again.json()["errors"][0]["field"]) == (400, "on")
    listed = viewer_client.get("/api/v1/planned-changes/?entry=create&kind=stage&state=waiting").json()["results"]
    assert [one["id"] for one in listed] == [made.json()["id"]]
    assert viewer_client.get("/api/v1/planned-changes/?entry=plan").json()["results"] == []
    one = f"/api/v1/planned-changes/{made.json()['id']}/"
    assert send(viewer_client, f"{one}cancel/", of=one).status_code == 403
    assert editor_client.post(f"{one}cancel/", {}, **json).status_code == 428
    assert send(editor_client, f"{one}carry-out/", of=one).json()["state"] == "done"
    assert send(editor_client, f"{one}cancel/", of=one).status_code == 409
    stage.refresh_from_db()
    assert stage.name == "Build"


def test_bringing_back_is_planned_and_done_on_its_day(stage: Stage, editor: User, editor_client: Client) -> None:
    refused = editor_client.post("/stages/create/restructure/", {"action": "bring_back", "on": str(DAY)})
    assert (refused.status_code, "Create is not retired." in refused.content.decode()) == (422, True)
    retire(entry=stage, actor=editor, on=date(2026, 11, 20), reason="Over")
    planned(editor_client, "bring_back")
    assert "Create will be brought back on" in editor_client.get("/stages/create/").content.decode()
    again = editor_client.post("/stages/create/restructure/", {"action": "bring_back", "on": str(DAY)})
    assert "To bring back Create is planned for 1 Feb 2027 already." in again.content.decode()
    PlannedChange.objects.all().delete()
    route = "/api/v1/stages/create/bring-back/"
    body = {"on": str(DAY), "reason": "Wanted after all"}
    answer = editor_client.post(route, body, content_type="application/json", headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["action"]) == (202, "bring_back")
    assert carry_out_planned() == "Nothing was planned for today."
    with on_the_day():
        assert carry_out_planned() == "1 planned changes done, 0 could not be done."
    stage.refresh_from_db()
    assert stage.retired_on is None
    assert str(Succession.objects.get(how="restored").on) == str(DAY)


def test_undoing_what_was_planned_is_like_undoing_any_change(stage: Stage, editor_client: Client) -> None:
    planned(editor_client, "rename", name="Build", key="build")
    with on_the_day():
        carry_out_planned()
    assert editor_client.post(f"/stages/changes/{Succession.objects.get().pk}/undo/")["Location"] == "/stages/create/"


def test_a_planned_move_of_what_moved_meanwhile_goes_from_where_it_is(stage: Stage, editor_client: Client) -> None:
    ops, sec = a_section("ops"), a_section("sec")
    planned(editor_client, "move", parents="ops")
    move(entry=stage, parent=sec, actor=None, on=today())
    with on_the_day():
        carry_out_planned()
    stage.refresh_from_db()
    assert stage.section == ops


def test_what_was_planned_for_what_is_deleted_is_off_and_no_failure(
    stage: Stage, editor_client: Client, viewer_client: Client
) -> None:
    waiting = planned(editor_client, "retire")
    editor_client.post("/stages/create/restructure/", {"action": "delete"})
    waiting.refresh_from_db()
    assert (waiting.state, waiting.sentence, Stage.objects.count()) == ("cancelled", "It was deleted.", 0)
    with on_the_day():
        assert carry_out_planned() == "Nothing was planned for today."
    gone = PlannedChange.objects.create(kind="stage", entry=stage.pk or 1, action="retire", on=DAY, actor_name="Ada")
    assert viewer_client.post(f"/stages/planned/{gone.pk}/", {"action": "cancel"}).status_code == 403
    editor_client.post(f"/stages/planned/{gone.pk}/", {"action": "cancel"})
    gone.refresh_from_db()
    assert gone.state == "cancelled"


@pytest.mark.parametrize("on", ["", str(DAY)])
def test_a_kind_of_block_that_there_is_not_is_refused_at_once(on: str, stage: Stage, editor_client: Client) -> None:
    sent = {"action": "split", "on": on, "name": "Part", "key": "part", "kinds": "no\x00ne"}
    answer = editor_client.post("/stages/create/restructure/", sent)
    assert (answer.status_code, Stage.objects.count(), PlannedChange.objects.count()) == (422, 1, 0)
    assert "There is no kind of block" in answer.content.decode()


def test_a_category_that_is_to_leave_its_groups_says_so(stage: Stage, editor_client: Client) -> None:
    category = Category.objects.create(key="editor", name="Editor", stage=stage)
    category.groups.add(a_group(stage, "wiki"))
    planned(editor_client, "move", "/categories/editor/")
    assert "Editor will be moved to no group on" in editor_client.get("/categories/editor/").content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", ["plans", "deletes"])
def test_whoever_plans_or_deletes_and_whoever_settles_a_plan_do_not_wait_for_each_other(
    other: str, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both hold what they lock first while they ask for the second, if the order lets them."""
    stage = a_stage("create")
    wish = Wish(action="retire", on=DAY)
    change = plan(entry=stage, wish=wish, user=editor)
    PlannedChange.objects.update(state="failed")
    both, begun = Barrier(2), Barrier(2)
    told: dict[str, str] = {}

    def met(module: Any, name: str) -> None:
        lock = getattr(module, name)

        def locked(*args: Any, **more: Any) -> Any:
            found = lock(*args, **more)
            with suppress(BrokenBarrierError):
                both.wait(timeout=1)
            return found

        monkeypatch.setattr(module, name, locked)

    met(planning, "_open")
    met(planning if other == "plans" else lifecycle, "locked")

    def run(name: str, do: Callable[[], Any]) -> None:
        begun.wait()
        try:
            do()
            told[name] = "done"
        except (RestructureRefused, OperationalError, Stage.DoesNotExist) as error:
            told[name] = type(error).__name__
        finally:
            connection.close()

    mine = Stage.objects.get(pk=stage.pk)
    ask = {
        "plans": lambda: plan(entry=mine, wish=wish, user=editor),
        "deletes": lambda: delete(entry=mine, actor=editor),
    }
    threads = [
        Thread(target=run, args=("settles", lambda: carry_out_now(change=change, user=editor))),
        Thread(target=run, args=(other, ask[other])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "OperationalError" not in told.values()
    assert "done" in told.values()
