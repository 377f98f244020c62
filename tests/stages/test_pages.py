"""The catalog's pages."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.models import User
from portal.plugin import Panel, PanelContent, Plugin
from stages import slots
from stages.contacts import set_people
from stages.content import Item
from stages.models import Block, BlockRevision, Category, Contact, Resource, Stage, Visit
from stages.plugin import plugin
from stages.restructuring import retire, today
from tests.builders import a_user
from tests.conftest import WithPlugins, browser_of
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def imported(shared_data: Path) -> None:
    folder = shared_data / "handbook"
    files = {name: folder / f"{name}.yml" for name in ("sections", "stages", "categories")}
    call_command("import_structure", stdout=io.StringIO(), **files)
    call_command("import_handbook", str(folder / "crash_course.md"), stdout=io.StringIO())


PAGES = ["/stages/", "/stages/create/", "/stages/anti-abuse/", "/stages/protect/", "/groups/source_code/",
         "/groups/5-min-app/", "/sections/dev/", "/categories/gitaly/", "/categories/value_stream_management/",
         "/stages/board/"]  # fmt: skip


@pytest.mark.usefixtures("imported")
def test_every_page_of_the_real_catalog_stands(viewer_client: Client) -> None:
    for address in PAGES:
        assert viewer_client.get(address).status_code == 200, address


@pytest.mark.usefixtures("imported")
def test_a_stage_page_shows_its_blocks_and_what_is_still_empty(viewer_client: Client) -> None:
    page = viewer_client.get("/stages/create/").content.decode()
    assert "Code Review MAU Metrics" in page
    assert "#s_create_pm" in page
    assert "https://about.gitlab.com/handbook/engineering/development/dev/create/#vision" in page
    assert "The query for SMAU and GMAU ready to copy" in page
    assert "Source Code" in page


def test_a_stage_page_leads_to_the_related_stages_in_use(viewer_client: Client) -> None:
    stage = a_stage("create", related_keys=["verify", "create", "plan", "gone", "nothing"])
    for key, retired_on in (("plan", None), ("verify", None), ("gone", date(2026, 1, 1)), ("other", None)):
        a_stage(key, name=key.title(), retired_on=retired_on)
    page = viewer_client.get(stage.get_absolute_url()).content.decode()
    listed = page.split('<p class="toc-title">Related stages', 1)[1].split("</ul>", 1)[0]
    assert re.findall(r'href="([^"]+)">(\w+)<', listed) == [("/stages/plan/", "Plan"), ("/stages/verify/", "Verify")]


def test_an_unknown_stage_is_not_found(viewer_client: Client) -> None:
    assert viewer_client.get("/stages/nothing/").status_code == 404


@pytest.mark.usefixtures("imported")
def test_the_stage_page_asks_five_questions_of_the_catalog(viewer_client: Client, with_plugins: WithPlugins) -> None:
    with with_plugins(plugin, only=True):
        viewer_client.get("/stages/create/")
        with CaptureQueriesContext(connection) as asked:
            viewer_client.get("/stages/create/")
    of_the_catalog = [query["sql"] for query in asked if "stages_" in query["sql"]]
    assert (len(of_the_catalog), len(asked)) == (5, 8), asked.captured_queries


@pytest.mark.usefixtures("imported")
def test_the_long_page_the_comparison_and_the_exports_stand(viewer_client: Client, editor_client: Client) -> None:
    course = viewer_client.get("/stages/crash-course/").content.decode()
    assert "Code Review MAU Metrics" in course
    assert "Objectives for this page" in course
    for form in ("markdown", "json", "yaml"):
        assert f'href="{reverse("stages:export-all", args=[form])}"' in course
    both = viewer_client.get("/stages/compare/?a=create&b=package").content.decode()
    assert "Package: Costs" in both
    assert "They share no resource. Empty for both: Important data documentation." in both
    for form, start in (("markdown", "---"), ("json", "{"), ("yaml", "title:")):
        assert viewer_client.get(f"/stages/export/{form}/").content.decode().startswith(start)
        assert viewer_client.get(f"/stages/create/export/{form}/").status_code == 200
    assert viewer_client.get("/stages/export/docx/").status_code == 404
    assert viewer_client.get("/stages/import/").status_code == 403
    assert editor_client.get("/stages/import/").status_code == 200
    assert editor_client.get("/stages/create/restructure/").status_code == 200


def test_what_changed_since_the_last_visit_is_marked(viewer: User, viewer_client: Client) -> None:
    stage = a_stage("create")
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    assert "changed since your last visit" not in viewer_client.get("/stages/create/").content.decode()
    Visit.objects.update(seen_at=timezone.now() - timedelta(days=2))
    BlockRevision.objects.update(at=timezone.now() - timedelta(days=3))
    a_block(stage, "slack", Item(label="#s_create"))
    page = viewer_client.get("/stages/create/").content.decode()
    assert page.count("changed since your last visit") == 1
    assert "Changed since your last visit, " in page
    assert '<a href="#slack">Slack channels</a>.' in page


def test_what_the_reader_changed_is_no_news_to_them(editor: User, editor_client: Client) -> None:
    stage = a_stage("create")
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    editor_client.get("/stages/create/")
    Visit.objects.update(seen_at=timezone.now() - timedelta(days=2))
    BlockRevision.objects.update(actor=editor)
    assert "changed since your last visit" not in editor_client.get("/stages/create/").content.decode()
    a_block(stage, "slack", Item(label="#s_create"))
    own_on_top = BlockRevision.objects.get(block__kind="slack")
    own_on_top.pk, own_on_top.version, own_on_top.actor = None, own_on_top.version + 1, editor
    own_on_top.save()
    assert '<a href="#slack">Slack channels</a>.' in editor_client.get("/stages/create/").content.decode()


def test_editors_say_who_keeps_a_resource_and_viewers_do_not(editor_client: Client, viewer_client: Client) -> None:
    a_block(a_stage("create"), "dashboards", Item(label="A", url="/a"))
    resource = Resource.objects.get()
    page = f"/stages/resources/{resource.pk}/"
    data = {"version": "1", "label": "A", "url": "/a", "owner_name": "Data team", "access": "restricted",
            "official": "on", "reviewed": "on"}  # fmt: skip
    assert viewer_client.post(page, data).status_code == 403
    editor_client.post(page, data)
    resource.refresh_from_db()
    assert (resource.owner_name, resource.access, resource.official) == ("Data team", "restricted", True)
    assert resource.reviewed_on is not None
    stage = viewer_client.get("/stages/create/").content.decode()
    assert f'href="{page}"' in stage
    assert "kept by Data team" in stage
    assert "Needs special access" in stage


def test_a_stale_or_hostile_change_of_a_resource_keeps_what_was_written(editor_client: Client) -> None:
    a_block(a_stage("create"), "dashboards", Item(label="A", url="/a"))
    page = f"/stages/resources/{Resource.objects.get().pk}/"
    assert 'name="version" value="1"' in editor_client.get(page).content.decode()
    data = {"version": "1", "label": "Mine", "url": "/mine"}
    refused = editor_client.post(page, {**data, "url": "javascript:alert(1)"})
    assert refused.status_code == 422
    assert "are not allowed" in refused.content.decode()
    assert editor_client.post(page, {**data, "label": "Theirs", "url": "/theirs"}).status_code == 302
    stale = editor_client.post(page, data)
    assert stale.status_code == 409
    for text in ("Somebody changed it meanwhile", 'value="/mine"', "/theirs", 'name="version" value="2"'):
        assert text in stale.content.decode()
    assert editor_client.post(page, {**data, "version": "2"}).status_code == 302
    assert "/mine" in editor_client.get("/stages/create/").content.decode()


def test_a_resource_tells_its_history_and_any_version_comes_back(editor_client: Client, viewer_client: Client) -> None:
    a_block(a_stage("create"), "dashboards", Item(label="A", url="/a"))
    page = f"/stages/resources/{Resource.objects.get().pk}/"
    sent = {"version": "1", "label": "B", "url": "/b", "owner_name": "Data team", "reason": "They keep it"}
    editor_client.post(page, sent)
    told = viewer_client.get(page).content.decode()
    for text in ("Editor", "They keep it", "Data team", "/a"):
        assert text in told
    assert "Restore version" not in told
    assert viewer_client.post(page, {"restore": "1", "version": "2"}).status_code == 403
    editor_client.post(page, {"restore": "1", "version": "2"})
    resource = Resource.objects.get()
    assert (resource.label, resource.url, resource.owner_name, resource.version) == ("A", "/a", "", 3)
    assert editor_client.post(page, {"restore": "2", "version": "1"}).status_code == 409
    assert editor_client.post(page, {"restore": "9", "version": "3"}).status_code == 404


def test_somebody_else_is_asked_to_keep_a_block_and_how_long_a_review_holds(
    editor_client: Client, viewer: User, viewer_client: Client
) -> None:
    stage = a_stage("create")
    page = "/stages/create/keep/dashboards/"
    assert viewer_client.get(page).status_code == 403
    assert 'list="dashboards-people"' in editor_client.get(page).content.decode()
    for wrong in ({"owner": "nobody", "every": "30"}, {"owner": "viewer", "every": "0"}, {"owner": "", "every": "x"}):
        assert editor_client.post(page, wrong).status_code == 422
    editor_client.post(page, {"owner": "viewer", "every": "30", "reviewed": "on"})
    block = stage.blocks.get()
    assert (block.owner, block.review_every_days, block.reviewed_on is not None) == (viewer, 30, True)
    assert "asks you to keep Top dashboards of Create" in viewer.notifications.get().sentence
    editor_client.post(page, {"owner": "", "every": "30"})
    block.refresh_from_db()
    assert block.owner is None


def test_an_empty_block_can_be_kept_and_the_board_says_by_whom(editor: User, editor_client: Client) -> None:
    stage = a_stage("create")
    assert editor_client.get("/stages/create/").content.decode().count("I keep this") == 10
    editor_client.post("/stages/create/tool/dashboards/", {"action": "own"})
    assert stage.blocks.get().owner == editor
    assert f"Kept by {editor}" in editor_client.get("/stages/create/").content.decode()
    assert f"<td>{editor}</td>" in editor_client.get("/stages/board/").content.decode()


def test_a_value_says_whether_it_was_read_or_edited(viewer_client: Client) -> None:
    category = Category.objects.create(key="wiki", name="Wiki", maturity="viable", imported={"maturity": "viable"})
    assert "From the structure files" in viewer_client.get("/categories/wiki/").content.decode()
    category.maturity = "complete"
    category.save()
    assert "Changed in the portal" in viewer_client.get("/categories/wiki/").content.decode()


def test_a_lower_maturity_asks_for_a_reason_on_the_page(editor_client: Client) -> None:
    category = Category.objects.create(key="wiki", name="Wiki", maturity="complete", stage=a_stage("create"))
    page = "/categories/wiki/facts/"
    refused = editor_client.post(page, {"maturity": "minimal", "version": "1"})
    assert "Lowering the maturity needs a reason." in refused.content.decode()
    category.refresh_from_db()
    assert category.maturity == "complete"
    editor_client.post(page, {"maturity": "minimal", "reason": "Broken", "version": "1"})
    category.refresh_from_db()
    assert category.maturity == "minimal"


def test_a_person_is_removed_on_request_in_the_admin(administrator_client: Client, administrator: User) -> None:
    set_people([(a_stage("create"), [("pm", "Ada")])])
    contact = Contact.objects.get()
    User.objects.filter(pk=administrator.pk).update(is_superuser=True)
    data = {"action": "remove_on_request", "_selected_action": str(contact.pk)}
    administrator_client.post("/admin/stages/contact/", data)
    contact.refresh_from_db()
    assert contact.name == ""
    assert contact.removed_on is not None


def test_higher_layers_add_to_data_documentation_and_indicators(
    viewer_client: Client, with_plugins: WithPlugins
) -> None:
    def render(request: HttpRequest, stage: Stage) -> PanelContent:
        return PanelContent(template="stages/_when_why.html", context={"prefix": f"for-{stage.key}"})

    panels = tuple(
        Panel(slot=slot, name=f"n{number}", title=f"From above {number}", render=render)
        for number, slot in enumerate((slots.STAGE_DATA_DOCS, slots.STAGE_INDICATORS))
    )
    a_stage("create")
    with with_plugins(Plugin(name="above", title="Above", summary="Adds", panels=panels)):
        page = viewer_client.get("/stages/create/").content.decode()
    assert "From above 0" in page
    assert "From above 1" in page


@pytest.mark.parametrize("folder", ["/groups/", "/sections/", "/categories/"])
def test_the_folders_of_the_catalog_lead_to_its_list(viewer_client: Client, folder: str) -> None:
    assert viewer_client.get(folder)["Location"] == "/stages/"


def test_the_board_sums_up_and_narrows_to_a_section_and_names_reviews_that_run_out(viewer_client: Client) -> None:
    create = a_stage("create", section=a_section("dev", name="Dev"))
    a_stage("verify", section=a_section("ops", name="Ops"))
    block = a_block(create, "dashboards", Item(label="A", url="/a")).block
    page = viewer_client.get("/stages/board/").content.decode()
    assert "0 of 2 pages are complete, on average 10 %." in page
    assert "Reviews that run out" not in page
    narrowed = viewer_client.get("/stages/board/?section=dev").content.decode()
    assert "on average 20 %" in narrowed
    assert "/stages/verify/" not in narrowed
    Block.objects.filter(pk=block.pk).update(reviewed_on=timezone.now().date() - timedelta(days=200))
    page = viewer_client.get("/stages/board/").content.decode()
    assert "ran out" in page
    assert "/stages/create/#dashboards" in page


def test_a_stage_says_how_its_score_comes_about_and_who_else_uses_a_dashboard(viewer_client: Client) -> None:
    for key in ("create", "plan", "verify"):
        a_block(a_stage(key), "dashboards", Item(label="A", url="/a", description="See [the guide](/guide)"))
    page = viewer_client.get("/stages/create/").content.decode()
    assert "also used by <a" in page
    assert ">Plan, Verify</a>" in page
    assert '<td class="num">20 of 20</td>' in page
    assert "Nobody keeps it yet" in page
    assert 'href="https://about.gitlab.com/guide"' in page
    assert "data-print" in page


def test_a_retired_stage_does_not_count_as_somebody_who_uses_a_dashboard(viewer_client: Client) -> None:
    for key in ("create", "plan", "verify"):
        a_block(a_stage(key), "dashboards", Item(label="A", url="/a"))
    retire(entry=Stage.objects.get(key="plan"), actor=None, on=today(), reason="")
    assert ">Verify</a>" in viewer_client.get("/stages/create/").content.decode()
    resource = viewer_client.get(f"/stages/resources/{Resource.objects.get().pk}/").content.decode()
    assert '>Plan</a> <span class="badge badge-neutral">retired</span>' in resource


def test_a_shared_link_is_nobodys_to_change_who_may_not_edit_both_of_two_stages_of_one_name() -> None:
    for key in ("create", "plan"):
        a_block(a_stage(key, name="Twin"), "dashboards", Item(label="A", url="/a"))
    for key in ("create", "plan"):
        editor = browser_of(a_user(f"of_{key}", f"editor@stage:{key}"))
        address = f"/stages/resources/{Resource.objects.get().pk}/"
        page = editor.post(address, {"version": "1", "label": "A", "url": "/mine"})
        assert "Its link is that of Twin as well" in page.content.decode()


def test_stages_that_share_a_dashboard_are_compared(viewer_client: Client) -> None:
    for key in ("create", "plan"):
        a_block(a_stage(key), "dashboards", Item(label="A", url="/a"))
    page = viewer_client.get("/stages/compare/?a=create&b=plan").content.decode()
    assert "They share 1 resource." in page
    assert page.count("Both stages use it") == 2
