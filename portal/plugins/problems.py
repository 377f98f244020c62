"""A mistake in a plugin, told with an id, the plugin's name and a way to mend it."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "portal"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with a plugin. ``id`` is ``E001`` …; docs/developers/plugins.md lists them all."""

    id: str
    plugin: str
    sentence: str
    hint: str

    @property
    def full_id(self) -> str:
        """The id as Django's system checks show it."""
        return f"{PREFIX}.{self.id}"
