"""Which tests share a worker, and in what order workers are given them.

xdist's own groups are not used: with pytest 9.2 their marks are passed over in silence (pytest-xdist issue 1386).
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# What shares something that is dear to make (a browser, a migrated database, a running portal), by parts of its path.
# The largest stands first.
SHARING = {
    "browser": ("/browser/",),
    "servers": ("tests/ops/test_outside.py", "tests/ops/test_move.py", "tests/ops/test_run.py"),
    "processes": ("tests/ops/test_embedded.py", "tests/ops/test_live.py"),
    "subportals": ("tests/sample_plugin/", "tests/architecture/test_peel.py"),
}
# What takes long and shares nothing. One that began last would leave the other workers without work.
LONG = (
    "tests/architecture/test_routes.py",
    "tests/demo/",
    "tests/metrics/test_engine_against_naive_model.py",
    "tests/metrics/test_indicators_against_naive_model.py",
    "tests/portal/api/test_schema.py",
    "tests/stages/handbook/test_round_trip.py",
)


def group_of(nodeid: str) -> str | None:
    """The group of a test; None where it may run on any worker."""
    path = nodeid.partition("::")[0]
    return next((group for group, parts in SHARING.items() if any(part in path for part in parts)), None)


def turn_of(nodeid: str) -> int:
    """When a test begins: the groups one after the other, then what is long, then all others."""
    group = group_of(nodeid)
    if group is not None:
        return list(SHARING).index(group)
    return len(SHARING) + (not nodeid.startswith(LONG))


class OneWorkerForEachGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each group to one worker, all other tests one by one, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid
