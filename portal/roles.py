"""The roles of the portal (DESIGN 5): what a person may do, for everything or within a scope."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """From reading to administering. A role includes no other; ``portal.permissions`` says what implies what."""

    ANONYMOUS = "anonymous"
    VIEWER = "viewer"
    EDITOR = "editor"
    METRIC_OWNER = "metric_owner"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"
