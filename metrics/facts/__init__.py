"""The one door through which facts enter: reports of installations, from whatever source.

A source (pings, a CSV of readings, a warehouse) hands over ``ReportFacts``; the engine keeps them, notes which months
have to follow, and wakes the roll-up. A source's own record is an opaque reference here (``telemetry:123``), which
its plugin resolves to a page. Every verb is one transaction and safe to run twice.
"""

from __future__ import annotations

from metrics.engine.pages import Missing, Reading
from metrics.facts.correcting import Correction, correct_report, fill_slots, refill_report
from metrics.facts.erasing import erase_installation
from metrics.facts.following import months_of, note, wake_roll_up
from metrics.facts.handed import BACK_FILLED, REREAD, Recorded, ReportFacts, Use, clean
from metrics.facts.judging import hold_report, reject_report, release_report
from metrics.facts.recording import record_reports
from metrics.facts.using import use_of

__all__ = [
    "BACK_FILLED",
    "REREAD",
    "Correction",
    "Missing",
    "Reading",
    "Recorded",
    "ReportFacts",
    "Use",
    "clean",
    "correct_report",
    "erase_installation",
    "fill_slots",
    "hold_report",
    "months_of",
    "note",
    "record_reports",
    "refill_report",
    "reject_report",
    "release_report",
    "use_of",
    "wake_roll_up",
]
