"""The models of the metrics plugin: the dictionary, the facts and the figures, a module each."""

from metrics.models.dictionary import (
    DefinitionsVersion,
    EventDefinition,
    IndicatorMapping,
    MetricDefinition,
    MetricSlot,
    ProposedChange,
)

__all__ = [
    "DefinitionsVersion",
    "EventDefinition",
    "IndicatorMapping",
    "MetricDefinition",
    "MetricSlot",
    "ProposedChange",
]
