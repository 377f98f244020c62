"""The demo's catalog goes through the real import."""

from __future__ import annotations

import pytest

from stages.demo.step import import_catalog, run
from stages.models import BlockRevision, Group, Placement, Stage, Suggestion
from tests.builders import a_user

pytestmark = pytest.mark.django_db


def test_the_demo_catalog_imports_with_its_irregularities_and_only_once() -> None:
    said: list[str] = []
    run(said.append)
    assert Stage.objects.count() == 10
    assert Group.objects.count() == 25
    assert "irregularities named" in said[0]
    new = int(said[1].split()[2])
    assert new > 100
    again: list[str] = []
    run(again.append)
    assert again == ["Structure and handbook page are there"]
    import_catalog("another digest", again.append)
    assert again[-1] == f"Handbook page: 0 entries new, {new} as they were"


def test_most_stages_are_filled_some_partly_and_one_not_at_all() -> None:
    run(lambda words: None)
    filled = {stage.key: Placement.objects.filter(block__stage=stage).count() for stage in Stage.objects.all()}
    assert filled["comply"] == 0
    assert 0 < filled["steer"] < 8
    assert filled["shape"] >= 15


def test_a_person_s_edit_and_a_suggestion_are_there_once() -> None:
    a_user("editor", "editor")
    a_user("viewer")
    run(lambda words: None)
    run(lambda words: None)
    assert BlockRevision.objects.filter(actor__username="editor").count() == 1
    (waiting,) = Suggestion.objects.all()
    assert (waiting.stage.key, waiting.author and waiting.author.username) == ("watch", "viewer")
