"""Changes of the structure made in the portal: make, rename, move, split, merge, retire, and single facts.

Nothing is lost: old keys lead on, retired things keep their page, and each change is told with its date and reason.
"""

from stages.restructuring.changing import change_facts, give_back, restore_facts, state_of_version
from stages.restructuring.common import RestructureRefused, StaleEntry, today
from stages.restructuring.joining import merge, split
from stages.restructuring.lifecycle import bring_back, create, delete, dependants, move, place_category, rename, retire

__all__ = [
    "RestructureRefused",
    "StaleEntry",
    "bring_back",
    "change_facts",
    "create",
    "delete",
    "dependants",
    "give_back",
    "merge",
    "move",
    "place_category",
    "rename",
    "restore_facts",
    "retire",
    "split",
    "state_of_version",
    "today",
]
