"""What an import of a page changed is taken back, all of it or on one stage; what changed since stays."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import User
from stages.content import BlockContent, Item
from stages.editing import content_of, save_block
from stages.handbook.importing import digest_of, import_page
from stages.handbook.parsing import parse_page
from stages.models import ImportPreview, ImportRun, PageText, Stage, StartingPoint
from stages.tasks import forget_previews
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_section

pytestmark = pytest.mark.django_db
JSON = "application/json"
FIRST = """\
---
title: The page
---
## Helpful places to start

* [Handbook](/handbook/) is long

#### Create Stage
##### Slack
**#s_create**

#### Plan Stage
##### Slack
**#s_plan**
"""
SECOND = (
    FIRST.replace("#s_create", "#s_make").replace("#s_plan", "#s_todo").replace("is long", "is short")
    + "##### OKRs\n[Ours](/okrs)\n"
).replace("* [Hand", "* [More](/more/) of it\n* [Hand")


def bring(text: str) -> ImportRun:
    import_page(page=parse_page(text), source="page.md", digest=digest_of(text))
    return ImportRun.objects.latest("pk")


def said() -> dict[str, list[str]]:
    found = {
        f"{block.stage.key} {block.kind}": [item.label for item in content_of(block).items]
        for stage in Stage.objects.all()
        for block in stage.blocks.all()
    }
    return {**found, "starts": sorted(StartingPoint.objects.values_list("text", flat=True))}


def channel(key: str, label: str) -> None:
    save_block(
        stage=Stage.objects.get(key=key), kind="slack", content=BlockContent(items=(Item(label=label),)),
        base_version=None, actor=None, how="edit",
    )  # fmt: skip


def offered(answer: str) -> tuple[str, dict[str, str]]:
    """Where the button of a message posts, and what."""
    form = re.search(r'said"[^>]*>.*?<form method="post" action="([^"]+)"(.*?)</form>', answer, re.DOTALL)
    assert form, answer
    return form[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2]))


def test_all_that_an_import_changed_is_taken_back_and_that_is_undone(editor_client: Client) -> None:
    bring(FIRST)
    before = said()
    run = bring(SECOND)
    after = said()
    assert before != after
    page = f"/stages/import/runs/{run.pk}/"
    assert "Take all of it back" in editor_client.get(page).content.decode()
    answer = editor_client.post(page, follow=True).content.decode()
    assert "Taken back: 5 parts changed." in answer
    assert said() == {**before, "plan okrs": []}
    assert "Take all of it back" not in editor_client.get(page).content.decode()
    assert bring(SECOND).kind == "taken back", "an import of the same page changes nothing"
    assert said() == {**before, "plan okrs": []}
    address, fields = offered(answer)
    again = editor_client.post(address, fields, follow=True).content.decode()
    assert said() == after
    assert "Undone: 5 parts" in again
    history = editor_client.get("/stages/create/history/").content.decode()
    assert "Took back the import of page.md" in history
    assert f'href="{page}"' in history


def test_one_stage_is_taken_back_by_an_editor_of_it(editor_client: Client) -> None:
    bring(FIRST)
    run = bring(SECOND)
    Stage.objects.filter(key="create").update(section=a_section("dev"))
    of_dev = browser_of(a_user("of-dev", "editor@section:dev"))
    page = f"/stages/import/runs/{run.pk}/"
    shown = of_dev.get(page).content.decode()
    assert ('value="create"' in shown, 'value="plan"' in shown, "Take all of it" in shown) == (True, False, False)
    assert [of_dev.post(page, {"stage": key}).status_code for key in ("plan", "", "create")] == [403, 403, 302]
    assert (said()["create slack"], said()["plan slack"]) == (["#s_create"], ["#s_todo", "#s_plan"])


def test_what_changed_since_stays_and_is_told(editor_client: Client, viewer_client: Client) -> None:
    bring(FIRST)
    run = bring(SECOND)
    channel("create", "#s_newer")
    StartingPoint.objects.get(url="/more/").delete()
    page = f"/stages/import/runs/{run.pk}/"
    assert viewer_client.post(page).status_code == 403
    answer = editor_client.post(page, follow=True).content.decode()
    assert "Slack channels of Create was changed since; it stays as it is." in answer
    assert "“More” was changed since; it stays as it is." in answer
    assert (said()["create slack"], said()["plan slack"]) == (["#s_newer"], ["#s_plan"])
    runs = ImportRun.objects.count()
    assert "Nothing is left to take back." in editor_client.post(page, follow=True).content.decode()
    assert ImportRun.objects.count() == runs


def test_the_first_import_is_taken_back_but_for_the_title_of_the_page(editor_client: Client) -> None:
    run = bring(FIRST)
    answer = editor_client.post(f"/stages/import/runs/{run.pk}/", follow=True).content.decode()
    assert "“The page” stays: The page keeps its title." in answer
    assert said() == {"create slack": [], "plan slack": [], "starts": []}
    assert PageText.objects.count() == 1


def test_the_api_takes_an_import_back(editor_client: Client, viewer_client: Client) -> None:
    bring(FIRST)
    run = bring(SECOND)
    route = f"/api/v1/imports/{run.pk}/take-back/"

    def send(client: Client, body: dict[str, Any], route: str = route) -> Any:
        return client.post(route, body, content_type=JSON)

    assert send(viewer_client, {}).status_code == 403
    assert send(editor_client, {"stage": "nowhere"}).status_code == 400
    one = send(editor_client, {"stage": "create", "reason": "Too early"}).json()
    assert (one["parts"], one["stayed"], said()["create slack"]) == (1, [], ["#s_create"])
    rest = send(editor_client, {}).json()
    assert (rest["parts"], len(rest["stayed"])) == (4, 1)
    assert send(editor_client, {}).status_code == 409
    send(editor_client, {}, f"/api/v1/imports/{rest['run']}/take-back/")
    assert (said()["plan slack"], said()["create slack"]) == (["#s_todo", "#s_plan"], ["#s_create"])
    assert viewer_client.get("/api/v1/imports/?kind=taken back").json()["count"] == 3


def test_previews_that_nobody_imported_go_at_night(editor: User) -> None:
    old, new = (ImportPreview.objects.create(kind="handbook", files={}, user=editor) for _ in range(2))
    ImportPreview.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(hours=25))
    assert forget_previews() == 1
    assert ImportPreview.objects.get() == new
