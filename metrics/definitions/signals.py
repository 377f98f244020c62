"""What the dictionary tells others, after the change is committed."""

from django.dispatch import Signal

definitions_changed = Signal()
"""Definitions were added or changed: ``key_paths`` (a tuple of text), ``actor`` (a user or ``None``)."""

slots_changed = Signal()
"""Metrics got a new slot and their readings can be filled back: ``key_paths``, ``actor``."""
