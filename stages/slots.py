"""The places on the catalog's pages that higher layers fill. A catalog page holds no figure of its own."""

from __future__ import annotations

from dataclasses import dataclass

from portal.slots import Slot
from stages.models import Group, Section, Stage


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The whole catalog, as the subject of panels on its index page."""

    sections: tuple[Section, ...]
    stages: tuple[Stage, ...]


STAGE_FIGURES = Slot("stage figures", Stage, "The strip of figures under a stage's name.")
STAGE_TREND = Slot("stage trend", Stage, "The trend of the last months, left of the feature use.")
STAGE_FEATURES = Slot("stage features", Stage, "The stage's metrics ranked, beside the trend.")
STAGE_GROUPS = Slot("stage groups", Stage, "Figures of the stage's groups.")
STAGE_NOTES = Slot("stage notes", Stage, "Data quality, open reviews and incidents of a stage.")
STAGE_DATA_DOCS = Slot("stage data documentation", Stage, "Queries of the stage's indicators, under its own queries.")
STAGE_INDICATORS = Slot("stage indicators", Stage, "The stage's indicators and key metrics, under its own links.")
GROUP_FIGURES = Slot("group figures", Group, "Figures of a group.")
SECTION_FIGURES = Slot("section figures", Section, "Figures of a section.")
CATALOG_OVERVIEW = Slot("catalog overview", Catalog, "Figures over all stages, on the catalog's index page.")

ALL = (
    STAGE_FIGURES,
    STAGE_TREND,
    STAGE_FEATURES,
    STAGE_GROUPS,
    STAGE_NOTES,
    STAGE_DATA_DOCS,
    STAGE_INDICATORS,
    GROUP_FIGURES,
    SECTION_FIGURES,
    CATALOG_OVERVIEW,
)
