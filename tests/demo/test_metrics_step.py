"""The demo's dictionary goes through the real import."""

from __future__ import annotations

import pytest

from metrics.demo.step import run
from metrics.models import MetricDefinition, ProposedChange
from tests.builders import a_user

pytestmark = pytest.mark.django_db


def test_the_demo_dictionary_imports_without_a_fault_and_only_once() -> None:
    said: list[str] = []
    run(said.append)
    assert MetricDefinition.objects.count() == 87
    run(said.append)
    assert said[-1] == "Dictionary: 0 metrics new, 0 changed, 87 as they were"


def test_one_proposal_waits_for_a_reviewer() -> None:
    a_user("owner", "metric_owner")
    run(lambda words: None)
    run(lambda words: None)
    (waiting,) = ProposedChange.objects.all()
    assert waiting.changes == {"performance_indicator_type": ["smau", "gmau"]}
