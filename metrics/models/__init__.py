"""The models of the metrics plugin: the dictionary, the facts and the figures, a module each."""

from metrics.models.dictionary import (
    DefinitionsVersion,
    EventDefinition,
    IndicatorMapping,
    MetricDefinition,
    MetricSlot,
    ProposedChange,
)
from metrics.models.facts import (
    Delivery,
    DirtyMonth,
    Installation,
    InstallationLabel,
    Population,
    Refill,
    Report,
    ReportPage,
    Subscription,
)
from metrics.models.figures import (
    Cell,
    CellCount,
    FigureMonth,
    FirstVersions,
    MonthEvent,
    MonthReport,
    MonthRevision,
    ReportedMonth,
    SubscriptionMonth,
)

__all__ = [
    "Cell",
    "CellCount",
    "DefinitionsVersion",
    "Delivery",
    "DirtyMonth",
    "EventDefinition",
    "FigureMonth",
    "FirstVersions",
    "IndicatorMapping",
    "Installation",
    "InstallationLabel",
    "MetricDefinition",
    "MetricSlot",
    "MonthEvent",
    "MonthReport",
    "MonthRevision",
    "Population",
    "ProposedChange",
    "Refill",
    "Report",
    "ReportPage",
    "ReportedMonth",
    "Subscription",
    "SubscriptionMonth",
]
