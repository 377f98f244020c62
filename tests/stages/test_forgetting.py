"""A name that is removed on request is on no page and in nothing that is kept of its past."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from portal.models import User
from stages.contacts import remove_contact, set_people
from stages.content import BlockContent, Item, to_json
from stages.editing import content_of
from stages.history.events import events_of
from stages.models import Block, BlockRevision, Contact, Draft, Placement, Resource, Suggestion
from tests.stages.builders import a_block, a_stage

pytestmark = pytest.mark.django_db


def test_a_removed_name_is_nowhere_in_a_team_that_was_confirmed_or_typed(editor: User, editor_client: Client) -> None:
    stage = a_stage("create")
    set_people([(stage, [("pm", "Ada Lovelace"), ("em", "Bo")])])
    editor_client.post("/stages/create/tool/team/", {"action": "confirm"})
    a_block(a_stage("plan"), "team", Item(label="ada  lovelace", description="Lead"), Item(label="The team", url="/t"))
    content = to_json(BlockContent(items=(Item(label="Ada Lovelace"),)))
    Suggestion.objects.create(stage=stage, kind="team", content=content)
    Draft.objects.create(
        user=editor, subject=f"block:{stage.pk}:team:", stage=stage, form={"item-0-label": "Ada Lovelace"}
    )
    assert "Ada Lovelace" in editor_client.get("/stages/create/").content.decode()
    remove_contact(contact=Contact.objects.get(name="Ada Lovelace"), on=date(2026, 11, 28))
    kept = [
        list(rows.values())
        for rows in (
            *(model.objects.all() for model in (Block, BlockRevision, Contact, Placement, Resource, Suggestion, Draft)),
            *(events_of(model) for model in (Block, Placement, Resource)),
        )
    ]
    assert "lovelace" not in str(kept).casefold()
    assert [item.label for item in content_of(Block.objects.get(stage=stage, kind="team")).items] == ["Bo"]
    history = editor_client.get("/stages/create/history/").content.decode()
    assert "A name was removed on request" in history
    assert "Lovelace" not in history


def test_others_of_the_same_first_name_and_links_stay(editor_client: Client) -> None:
    stage = a_stage("create")
    set_people([(stage, [("pm", "Ada")])])
    a_block(stage, "team", Item(label="Ada Lovelace"), Item(label="Ada", url="/team/ada"))
    remove_contact(contact=Contact.objects.get(name="Ada"), on=date(2026, 11, 28))
    assert [item.label for item in content_of(Block.objects.get()).items] == ["Ada Lovelace"]
    assert BlockRevision.objects.count() == 2
