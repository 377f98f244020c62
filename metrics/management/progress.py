"""Sentences about long work for those who wait for a command."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 2.0
"""Seconds: quicker work says nothing, longer work says so often."""


class Aloud:
    """Writes what it is told, but not before some seconds and not more often than that."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._last = time.monotonic()

    def __call__(self, sentence: str) -> None:
        """Say how far the work is."""
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            self._write(sentence)
