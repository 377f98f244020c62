"""The structure changes; links and history follow, and nothing is lost."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from stages.content import Item
from stages.editing import content_of, find_block
from stages.models import FormerKey, Stage, Succession
from stages.queries import group_named
from stages.restructuring import RestructureRefused, delete, merge_stages, move, rename, retire, split_stage
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
        merge_stages(source=stage, target=stage, actor=None, on=DAY, reason="")


def test_a_merged_stage_leads_on_and_loses_no_content(viewer_client: Client) -> None:
    source, target = a_stage("configure"), a_stage("deploy")
    group = a_group(source, "environments")
    a_block(source, "dashboards", Item(label="A", url="/a"), note="From here")
    a_block(target, "dashboards", Item(label="B", url="/b"))
    merge_stages(source=source, target=target, actor=None, on=DAY, reason="Fewer")
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
    new = split_stage(
        source=source, key="test", name="Test", groups=[taken], kinds=["slack"], actor=None, on=DAY, reason=""
    )
    taken.refresh_from_db()
    stays.refresh_from_db()
    assert (taken.stage, stays.stage) == (new, source)
    assert content_of(find_block(new, "slack")).items == content_of(find_block(source, "slack")).items
    with pytest.raises(RestructureRefused, match="already"):
        split_stage(source=source, key="test", name="Test", groups=[], kinds=[], actor=None, on=DAY, reason="")


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
    assert refused["Location"] == "/stages/build/restructure/"
