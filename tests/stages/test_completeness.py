"""How complete a page is, why, and what would help most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from stages.completeness import PARTS, Filled, score
from stages.contacts import name_people
from stages.content import Item
from stages.models import BlockRevision, Resource
from stages.queries import completeness_board
from stages.stage_page import stage_page
from tests.builders import a_user
from tests.stages.builders import a_block, a_stage

KINDS = [kind for _, kinds, _ in PARTS for kind in kinds]


def test_an_empty_page_has_nothing_and_dashboards_or_queries_help_most() -> None:
    found = score({})
    assert found.percent == 0
    assert found.best is not None
    assert (found.best.key, found.best.gain) == ("dashboards", 20)


def test_okrs_or_indicators_are_enough() -> None:
    filled = dict.fromkeys((kind for kind in KINDS if kind != "okrs"), Filled.OWN)
    assert score(filled).percent == 100


@given(st.dictionaries(st.sampled_from(KINDS), st.sampled_from(list(Filled))))
def test_a_hundred_means_that_nothing_is_left_to_do(filled: dict[str, Filled]) -> None:
    found = score(filled)
    assert 0 <= found.percent <= 100
    assert (found.percent == 100) == (not found.gaps)


@pytest.mark.django_db
def test_the_board_asks_whom_the_page_asks() -> None:
    stage = a_stage("create")
    name_people(owner=stage, people=[("wizard", "Merlin"), ("pm", "Ada")], actor=None)
    assert stage_page(stage, a_user()).owner == completeness_board()[0].score.owner == "Merlin"
    name_people(owner=stage, people=[("pm", "Ada"), ("wizard", "Merlin")], actor=None)
    assert stage_page(stage, a_user()).owner == completeness_board()[0].score.owner == "Ada"


@pytest.mark.django_db
def test_a_part_that_nobody_reviewed_for_long_counts_half_until_it_is(editor_client: Client) -> None:
    stage = a_stage("create")
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    assert stage_page(stage, a_user()).score.percent == 20
    BlockRevision.objects.update(at=timezone.now() - timedelta(days=400))
    assert stage_page(stage, a_user()).score.percent == 10
    assert "review due" in editor_client.get("/stages/create/").content.decode()
    editor_client.post("/stages/create/tool/dashboards/", {"action": "reviewed"})
    assert stage_page(stage, a_user()).score.percent == 20


@pytest.mark.django_db
def test_a_resource_whose_review_ran_out_counts_half_on_page_and_board_until_it_is_reviewed(
    editor_client: Client,
) -> None:
    stage = a_stage("create")
    a_block(stage, "dashboards", Item(label="A", url="/a"), Item(label="B", url="/b"))
    today = timezone.now().date()
    Resource.objects.filter(url="/a").update(reviewed_on=today - timedelta(days=31), review_every_days=30)
    assert stage_page(stage, a_user()).score.percent == completeness_board()[0].score.percent == 10
    assert editor_client.get("/stages/create/").content.decode().count("review due") == 2
    Resource.objects.filter(url="/a").update(review_every_days=31)
    assert stage_page(stage, a_user()).score.percent == completeness_board()[0].score.percent == 20
    Resource.objects.filter(url="/a").update(review_every_days=1)
    editor_client.post("/stages/create/tool/dashboards/", {"action": "reviewed"})
    assert Resource.objects.get(url="/a").reviewed_on == today
    assert Resource.objects.get(url="/b").reviewed_on is None
    assert stage_page(stage, a_user()).score.percent == 20


@pytest.mark.django_db
def test_the_board_agrees_with_the_pages_and_names_who_to_ask(viewer_client: Client) -> None:
    from stages.contacts import set_people

    stage = a_stage("create", description="Makes things", slack_channel="s_create")
    set_people([(stage, [("pm", "Ada")])])
    a_block(stage, "description", note="Makes things")
    a_block(stage, "roadmap", not_applicable="It is a service team")
    a_block(stage, "other", body="More", heading="More")
    page = stage_page(stage, a_user())
    row = completeness_board()[0]
    assert row.score == page.score
    assert row.score.best is not None
    assert row.score.best.owner == "Ada"
    shown = viewer_client.get("/stages/board/").content.decode()
    assert shown.index("Whom to ask") < shown.index("<td>Ada</td>")
