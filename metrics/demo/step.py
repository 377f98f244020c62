"""The metrics' part of the demo world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metrics.definitions.importing import import_definitions
from metrics.definitions.review import propose_change
from metrics.models import MetricDefinition
from portal.models import User

DATA = Path(__file__).parent / "data"
CANDIDATE = "redis_hll_counters.audit.people_reading_audit_trail_monthly"


def run(say: Callable[[str], None]) -> None:
    """Import the dictionary of the demo's product; a second time nothing changes."""
    report = import_definitions(path=DATA, say=say)
    if report.refused:
        faults = "; ".join(f"{fault.file}: {fault.message}" for fault in report.refused)
        raise RuntimeError(f"the demo's own definitions were refused: {faults}")
    new, changed = len(report.created), len(report.updated)
    say(f"Dictionary: {new} metrics new, {changed} changed, {report.unchanged} as they were")
    propose_an_indicator()


def propose_an_indicator() -> None:
    """A proposal that waits for the analyst: the one stage without an indicator would get one. Once, ever."""
    owner = User.objects.filter(username="owner").first()
    candidate = MetricDefinition.objects.filter(key_path=CANDIDATE).first()
    if owner is None or candidate is None or candidate.proposals.exists():
        return
    propose_change(
        definition=candidate,
        changes={"performance_indicator_type": ["smau", "gmau"]},
        reason="Comply has no indicator, and reading the trail is what its people come for.",
        actor=owner,
    )
