"""Signals of the catalog.

``structure_changed`` is sent after commit with ``keys`` (a set of "kind:key") and ``actor``.
"""

from django.dispatch import Signal

structure_changed = Signal()
