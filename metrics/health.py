"""What ``/status/`` says of the dictionary."""

from __future__ import annotations

from metrics.definitions.queries import conflicts
from metrics.models import IndicatorMapping, MetricDefinition
from portal.plugin import Health, HealthState


def dictionary() -> Health:
    """Whether there is a dictionary, and whether its mapping says one thing for each figure."""
    count = MetricDefinition.objects.count()
    if not count:
        return Health(
            state=HealthState.WARNING,
            sentence="The dictionary is empty; import definitions with manage.py import_definitions.",
        )
    found = conflicts()
    waiting = IndicatorMapping.objects.filter(subject_key=None).count()
    sentence = f"{count:,} definitions."
    if found:
        sentence += (
            " One figure has two metrics and stays empty until somebody chooses."
            if len(found) == 1
            else f" {len(found)} figures have two metrics and stay empty until somebody chooses."
        )
    if waiting:
        sentence += f" {waiting} mappings wait for a group that the catalog does not know."
    return Health(state=HealthState.WARNING if found else HealthState.OK, sentence=sentence)
