"""What an installation of the invented product can count: the pure tables behind the demo's pings.

The key paths are those of the definitions under ``metrics/demo/data``; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Releases are counted in minors, twelve to a major: 9.4 is ``112``. This one is the last of every demo world.
LATEST = 9 * 12 + 4


def release_number(text: str) -> int:
    """The number of a release in the train, from its ``major.minor``."""
    major, minor = text.split(".")
    return int(major) * 12 + int(minor)


def release_name(number: int) -> str:
    """``112`` is ``9.4``."""
    return f"{number // 12}.{number % 12}"


class Kind(Enum):
    """How a counter's value follows from the people of an installation."""

    PEOPLE_28D = "people, 28 days"
    PEOPLE_7D = "people, 7 days"
    EVENTS_28D = "events, 28 days"
    EVENTS_7D = "events, 7 days"
    TOTAL = "since the beginning"


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of the payload: ``share`` is people of the active ones, or events a person and day."""

    path: str
    kind: Kind
    share: float
    trend: float = 0.0
    """Growth a month on top of the installation's own."""
    adopted: float = 1.0
    """Part of the installations where anybody uses it."""
    since: int = 0
    until: int = 10**6
    paid_only: bool = False
    ultimate_only: bool = False
    optional: bool = False
    heavy: bool = False
    """Its query is heavy: it times out now and then on the largest databases."""


STAGE = "usage_activity_by_stage_monthly."
HLL = "redis_hll_counters."
_n = release_number
_28, _7, _E28, _E7, _ALL = Kind.PEOPLE_28D, Kind.PEOPLE_7D, Kind.EVENTS_28D, Kind.EVENTS_7D, Kind.TOTAL

#: The counter that failed everywhere for two months (see ``World.outage``).
OUTAGE_PATH = STAGE + "store.people_publishing_packages"
#: The counter that newer releases break for good; its definition says so.
BROKEN_PATH = HLL + "signals.people_querying_traces_monthly"
BROKEN_SINCE = _n("9.2")

COUNTERS: tuple[Counter, ...] = (
    # Shape
    Counter(STAGE + "shape.people_moving_cards", _28, 0.58, 0.002, heavy=True),
    Counter(HLL + "roadmaps.people_viewing_roadmaps_monthly", _28, 0.16, 0.008, 0.8, paid_only=True, optional=True),
    Counter(HLL + "intake.people_answering_requests_monthly", _28, 0.05, 0.010, 0.4, since=_n("8.1"), optional=True),
    Counter("counts.cards", _ALL, 0.11),
    Counter(HLL + "boards.people_opening_boards_monthly", _28, 0.66, 0.001, since=_n("8.3"), optional=True),
    Counter(HLL + "boards.people_opening_boards_weekly", _7, 0.49, 0.001, since=_n("8.3"), optional=True),
    Counter(STAGE + "shape.people_tracking_time", _28, 0.07, -0.004, 0.3, optional=True),
    # Write
    Counter(STAGE + "write.people_using_repositories", _28, 0.71, 0.003),
    Counter(HLL + "workbench.people_editing_in_browser_monthly", _28, 0.17, 0.012, 0.9, optional=True),
    Counter(STAGE + "write.people_editing_pages", _28, 0.13, -0.010, 0.8),
    Counter(STAGE + "write.people_pushing", _28, 0.55, 0.003),
    Counter("counts.repositories", _ALL, 0.006),
    Counter(HLL + "source.people_searching_code_monthly", _28, 0.31, 0.015, 0.9, since=_n("8.5"), optional=True),
    Counter(HLL + "source.people_searching_code_weekly", _7, 0.19, 0.015, 0.9, since=_n("8.5"), optional=True),
    Counter(
        STAGE + "write.remote_workspaces_started",
        _E28,
        0.012,
        0.060,
        0.35,
        since=_n("9.0"),
        paid_only=True,
        optional=True,
    ),
    # Review
    Counter(STAGE + "review.people_reviewing_changes", _28, 0.54, 0.004, 0.97, heavy=True),
    Counter(HLL + "merge_queue.people_using_queue_monthly", _28, 0.19, 0.022, 0.5, since=_n("8.4"), paid_only=True),
    Counter(STAGE + "review.people_accepting_suggestions", _28, 0.21, 0.006, 0.85, optional=True),
    Counter("counts.change_requests", _ALL, 0.045),
    Counter("counts.change_requests_merged", _ALL, 0.037),
    # Check
    Counter(STAGE + "check.people_starting_pipelines", _28, 0.57, 0.006, 0.95, heavy=True),
    Counter(STAGE + "check.people_registering_agents", _28, 0.012, 0.004, 0.9),
    Counter(
        HLL + "test_insight.people_opening_test_reports_monthly", _28, 0.24, 0.018, 0.8, since=_n("8.9"), optional=True
    ),
    Counter("counts.count_total_pipelines_started", _ALL, 0.62, since=_n("8.0")),
    Counter("counts.count_total_pipelines_started_monthly", _E28, 0.62, 0.004, since=_n("8.0")),
    Counter("counts.count_total_pipelines_started_weekly", _E7, 0.62, 0.004, since=_n("8.0")),
    Counter(STAGE + "check.people_using_shared_steps", _28, 0.18, 0.045, 0.6, since=_n("8.10"), optional=True),
    Counter("counts_weekly.hosted_agent_minutes", _E7, 2.1, 0.010, 0.3, paid_only=True),
    Counter("counts_weekly.pipelines_flaky", _E7, 0.05, 0.010, 0.7, since=_n("8.6"), optional=True),
    # Store
    Counter(OUTAGE_PATH, _28, 0.17, 0.005, 0.8),
    Counter(HLL + "images.people_pushing_images_monthly", _28, 0.14, 0.014, 0.75),
    Counter("counts.packages", _ALL, 0.09, adopted=0.8),
    Counter("counts.images", _ALL, 0.13, adopted=0.75),
    Counter(
        "counts.packages_served_from_cache", _ALL, 0.9, adopted=0.3, since=_n("8.0"), paid_only=True, optional=True
    ),
    Counter("counts_weekly.packages_fetched", _E7, 1.4, 0.008, 0.8, optional=True),
    # Launch
    Counter(STAGE + "launch.people_starting_rollouts", _28, 0.21, 0.009, 0.8),
    Counter(STAGE + "launch.people_toggling_flags", _28, 0.060, 0.012, 0.5),
    Counter(HLL + "flags.people_changing_flags_monthly", _28, 0.083, 0.012, 0.5, since=_n("9.1")),
    Counter("counts.rollouts", _ALL, 0.021, adopted=0.8),
    Counter("counts_monthly.rollouts_taken_back", _E28, 0.0006, 0.0, 0.8, optional=True),
    Counter("counts.feature_flags", _ALL, 0.0021, adopted=0.5),
    # Steer
    Counter(STAGE + "steer.people_changing_environments", _28, 0.10, 0.011, 0.7),
    Counter(STAGE + "steer.people_connected_to_clusters", _28, 0.055, 0.030, 0.5, since=_n("8.0"), paid_only=True),
    Counter("counts.clusters", _ALL, 0.00005, adopted=0.5),
    # Watch
    Counter(STAGE + "watch.people_handling_incidents", _28, 0.042, 0.055, 0.6, since=_n("8.6")),
    Counter(BROKEN_PATH, _28, 0.028, 0.060, 0.45, since=_n("8.11"), optional=True),
    Counter(STAGE + "watch.people_on_call", _28, 0.020, 0.040, 0.5, since=_n("8.8"), paid_only=True, optional=True),
    Counter("counts.incidents", _ALL, 0.0011, adopted=0.6),
    # Guard
    Counter(STAGE + "guard.people_running_scans", _28, 0.26, 0.017, 0.7),
    Counter(
        HLL + "dependency_watch.people_opening_dependency_list_monthly",
        _28,
        0.09,
        0.020,
        0.9,
        ultimate_only=True,
        optional=True,
    ),
    Counter(STAGE + "guard.people_warned_of_secrets", _28, 0.031, 0.013, 0.9, since=_n("8.2")),
    Counter("counts.findings", _ALL, 0.08, ultimate_only=True),
    Counter(STAGE + "guard.people_dismissing_findings", _28, 0.040, 0.010, 0.8, ultimate_only=True, optional=True),
    # Comply
    Counter(HLL + "people.people_active_monthly", _28, 0.94, 0.003),
    Counter(HLL + "people.people_active_weekly", _7, 0.78, 0.003),
    Counter(
        HLL + "audit.people_reading_audit_trail_monthly",
        _28,
        0.008,
        0.010,
        0.7,
        since=_n("8.5"),
        paid_only=True,
        optional=True,
    ),
    Counter(STAGE + "comply.people_signing_in_by_sso", _28, 0.70, 0.005, 0.6, paid_only=True, optional=True),
    Counter(
        "counts_monthly.aggregated_metrics.people_changing_code_or_pages",
        _28,
        0.63,
        0.002,
        since=_n("8.2"),
        optional=True,
    ),
    Counter("counts.webhooks_sent_by_old_sender", _ALL, 0.4, until=_n("8.8"), optional=True),
)

#: Counters that exist in the payload of some installations but in no definition: the dictionary lags behind.
UNDEFINED: tuple[Counter, ...] = (
    Counter("counts.board_themes_chosen", _ALL, 0.0007, adopted=0.2, since=_n("9.3"), optional=True),
    Counter(HLL + "boards.people_sharing_boards_monthly", _28, 0.022, 0.05, 0.4, since=_n("9.3"), optional=True),
)

#: SMAU metrics for which the SaaS side counts its paying people, week by week (``readings.csv``).
PAID_SAAS: tuple[tuple[str, float], ...] = (
    (STAGE + "shape.people_moving_cards", 0.34),
    (STAGE + "write.people_using_repositories", 0.31),
    (STAGE + "review.people_reviewing_changes", 0.36),
    (STAGE + "check.people_starting_pipelines", 0.38),
    (STAGE + "launch.people_starting_rollouts", 0.49),
)
