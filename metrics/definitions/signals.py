"""What the dictionary tells others, after the change is committed."""

from django.dispatch import Signal

definitions_changed = Signal()
"""Definitions were added or changed: ``key_paths`` (a tuple of text), ``actor`` (a user or ``None``)."""

mappings_changed = Signal()
"""Rows of the mapping changed: ``from_month`` and ``to_month`` (dates or ``None``), ``reason``, ``actor``."""
