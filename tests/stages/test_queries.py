"""Joins of the catalog."""

import pytest

from stages.models import Group, Stage
from stages.queries import group_named

pytestmark = pytest.mark.django_db


@pytest.fixture
def create() -> Stage:
    return Stage.objects.create(key="create", name="Create")


@pytest.mark.parametrize("written", ["source_code", "group::source code", "source code", "Source Code"])
def test_a_metric_finds_its_group_however_it_is_written(create: Stage, written: str) -> None:
    group = Group.objects.create(key="source_code", name="Source Code", stage=create)
    assert group_named(written) == group


def test_a_label_of_two_groups_names_neither(create: Stage) -> None:
    for key in ("distribution_build", "distribution_deploy"):
        Group.objects.create(key=key, name=key, label="group::distribution", stage=create)
    assert group_named("group::distribution") is None
    assert group_named("") is None
