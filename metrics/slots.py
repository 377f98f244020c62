"""The places on the metrics' pages that higher layers fill."""

from __future__ import annotations

from metrics.figures.queries import Figure
from metrics.models.facts import Installation
from portal.slots import Slot

INSTALLATION_PANELS = Slot(
    "installation", Installation, "What the source of its reports knows of an installation: its pings, its consent."
)
FIGURE_NOTES = Slot("figure notes", Figure, "What is to know about a figure beside its numbers, such as an incident.")

ALL = (INSTALLATION_PANELS, FIGURE_NOTES)
