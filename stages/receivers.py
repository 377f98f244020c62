"""What the catalog itself does when its structure changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stages.editing import name_groups


def name_changed_groups(*, keys: Iterable[str], **_: Any) -> None:
    """Join the resources that name a group to it, where the group came or was renamed after they were written."""
    groups = [key.removeprefix("group:") for key in keys if key.startswith("group:")]
    if groups:
        name_groups(groups)
