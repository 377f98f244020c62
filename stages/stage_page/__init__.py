"""All that a stage's page shows, read in few queries and handed over as frozen values."""

from stages.stage_page.blocks import block_views, is_due, item_view
from stages.stage_page.reading import groups_of, stage_named, stage_page
from stages.stage_page.scores import stages_complete
from stages.stage_page.values import BlockView, ItemView, StagePage

__all__ = [
    "BlockView",
    "ItemView",
    "StagePage",
    "block_views",
    "groups_of",
    "is_due",
    "item_view",
    "stage_named",
    "stage_page",
    "stages_complete",
]
