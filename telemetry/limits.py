"""Rate limits: a number per subject and process, no round trip. A limit of n a minute lets n through at once.

Each web process counts for itself, so W processes let through up to W times as much: the limit keeps a single
sender from drowning the others, it is no quota.
"""

from __future__ import annotations

from math import ceil
from threading import Lock
from time import monotonic

WINDOW = 60.0
MOST_SUBJECTS = 100_000


class Limiter:
    """Remembers for each subject until when its allowance is used up (GCRA: one float each)."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def wait_for(self, subject: str, per_minute: int, cost: int = 1) -> int:
        """0 where ``subject`` may go on; otherwise the whole seconds to wait. ``per_minute`` 0 = no limit."""
        if per_minute <= 0:
            return 0
        now = monotonic()
        with self._lock:
            until = max(self._until.get(subject, now), now)
            if until - now > WINDOW - WINDOW / per_minute:
                return max(1, ceil(until - now - WINDOW + WINDOW / per_minute))
            if len(self._until) >= MOST_SUBJECTS:
                self._until = {name: moment for name, moment in self._until.items() if moment > now}
                if len(self._until) >= MOST_SUBJECTS:
                    self._until.clear()
            self._until[subject] = until + cost * WINDOW / per_minute
        return 0

    def forget(self) -> None:
        """Everybody begins anew."""
        with self._lock:
            self._until.clear()


limiter = Limiter()
