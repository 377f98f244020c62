"""ETags of the catalog: nothing that is different in anything passes for what was read before."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import User
from stages.api import stage as stage_routes
from stages.api import workflow
from stages.api.common import must_match
from stages.contacts import name_people
from stages.content import Item
from stages.editing import content_of, find_block
from stages.models import Contact, LinkCheck, PageText, PlannedChange, Resource, Section, Suggestion
from stages.restructuring import rename
from stages.restructuring.common import today
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.mark.parametrize("what", ["block", "contact", "resource", "text", "plan", "link", "stage"])
def test_what_is_the_same_is_not_sent_again_and_what_is_different_in_anything_is(
    what: str, editor: User, editor_client: Client
) -> None:
    stage = a_stage("create", section=a_section("dev"))
    a_block(stage, "dashboards", Item(label="A", url="https://a.example/x"))
    resource = Resource.objects.get()
    name_people(owner=stage, people=[("pm", "Ada")], actor=editor)
    text = PageText.objects.create(place="top", heading="One", body="1", order=1)
    PageText.objects.create(place="top", heading="Two", body="2", order=2)
    link = {"state": "ok", "checked_url": resource.url, "checked_at": timezone.now()}
    LinkCheck.objects.create(resource=resource, **link)
    plan = PlannedChange.objects.create(
        kind="stage", entry=stage.pk, action="retire", on=date(2027, 2, 1), actor=editor, actor_name="Editor"
    )
    block = "/api/v1/stages/create/blocks/dashboards/"
    address = {
        "block": block,
        "contact": f"/api/v1/people/{Contact.objects.get().pk}/",
        "resource": f"/api/v1/resources/{resource.pk}/",
        "text": f"/api/v1/page-texts/{text.pk}/",
        "plan": f"/api/v1/planned-changes/{plan.pk}/",
        "link": f"/api/v1/links/{resource.pk}/",
        "stage": "/api/v1/stages/create/",
    }[what]
    first = editor_client.get(address)
    known = {"If-None-Match": first["ETag"]}
    assert editor_client.get(address, headers=known).status_code == 304
    if what == "block":
        match = {"If-Match": first["ETag"]}
        done = editor_client.post(f"{block}review/", {"reviewed": True}, content_type=JSON, headers=match)
        assert done.status_code == 200
    elif what == "contact":
        name_people(owner=stage, people=[("ux", "Ada")], actor=editor)
    elif what == "resource":
        LinkCheck.objects.update(state="dead")
    elif what == "text":
        editor_client.post("/stages/texts/", {"action": "down", "pk": text.pk})
    elif what == "plan":
        rename(entry=stage, name="Build", key="build", actor=editor, on=today())
    elif what == "link":
        a_block(a_stage("plan"), "dashboards", Item(label="A", url="https://a.example/x"))
    else:
        Section.objects.update(key="devel")
    again = editor_client.get(address, headers=known)
    assert again.status_code == 200
    assert again.json() != first.json()
    if what == "stage":
        # The stage itself is what was read, so a change of it goes on.
        match = {"If-Match": first["ETag"]}
        done = editor_client.patch(address, {"description": "D"}, content_type=JSON, headers=match)
        assert (done.status_code, done["ETag"]) == (200, editor_client.get(address)["ETag"])


@pytest.mark.parametrize("what", ["restore", "undo", "give-back", "accept"])
def test_whoever_writes_between_the_check_of_an_etag_and_the_lock_is_not_overwritten(
    what: str, editor: User, editor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = a_stage("create", section=a_section("dev"))
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    a_block(stage, "dashboards", Item(label="B", url="/b"))
    content = {"items": [{"label": "S", "url": "/s"}]}
    suggestion = Suggestion.objects.create(
        stage=stage, kind="dashboards", base_version=2, content=content, author=editor
    )
    block, waiting = "/api/v1/stages/create/blocks/dashboards/", f"/api/v1/suggestions/{suggestion.pk}/"
    read = waiting if what == "accept" else block
    body = {"restore": {"version": 1}, "accept": {"content": content}}.get(what, {})

    def then_somebody_writes(request: Any, etag: str) -> None:
        must_match(request, etag)
        a_block(stage, "dashboards", Item(label="C", url="/c"))

    for module in (stage_routes, workflow):
        monkeypatch.setattr(module, "must_match", then_somebody_writes)
    match = {"If-Match": editor_client.get(read)["ETag"]}
    answer = editor_client.post(f"{read}{what}/", body, content_type=JSON, headers=match)
    assert answer.status_code == 412
    assert [item.label for item in content_of(find_block(stage, "dashboards")).items] == ["C"]
