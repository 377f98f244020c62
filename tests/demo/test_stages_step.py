"""The demo's catalog goes through the real import."""

from __future__ import annotations

import pytest

from stages.demo.step import run
from stages.models import Group, Stage

pytestmark = pytest.mark.django_db


def test_the_demo_structure_imports_with_its_irregularities_and_only_once() -> None:
    run(lambda sentence: None)
    assert Stage.objects.count() == 10
    assert Group.objects.count() == 25
    before = {stage.key: stage.updated_at for stage in Stage.objects.all()} if hasattr(Stage, "updated_at") else {}
    run(lambda sentence: None)
    assert not before or before == {stage.key: stage.updated_at for stage in Stage.objects.all()}
