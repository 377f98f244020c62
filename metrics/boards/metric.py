"""The figures of a single metric, for its page in the dictionary."""

from __future__ import annotations

from django.utils import timezone

from metrics.boards.fresh import figures_version, kept
from metrics.boards.lines import Line, line_of, shown_month
from metrics.boards.stage import months_up_to
from metrics.figures.queries import figures
from metrics.figures.question import Question
from metrics.models import MetricDefinition
from metrics.periods import Month


def metric_line(definition: MetricDefinition) -> Line | None:
    """Fourteen months of a metric; none for what is no number."""
    if definition.slot is None:
        return None
    return kept(f"metric:{definition.pk}", figures_version(), lambda: _line(definition))


def _line(definition: MetricDefinition) -> Line:
    today = timezone.now().date()
    found = figures([Question("metric", month, definition.key_path) for month in months_up_to(Month.of(today))])
    name = definition.name or definition.key_path.rsplit(".", 1)[-1].replace("_", " ")
    return line_of(name, found, shown=shown_month(today))
