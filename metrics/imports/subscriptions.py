"""The list of subscriptions from a CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from metrics.engine.rollup import known_months
from metrics.facts import clean, note, wake_roll_up
from metrics.imports.files import Fault, Outcome, Say, read
from metrics.models.facts import Delivery, Subscription

if TYPE_CHECKING:
    from portal.models import User

SUBSCRIPTION_COLUMNS = ("subscription_id", "account", "plan", "seats", "starts_on", "ends_on", "delivery")
PLANS = ("free", "core", "starter", "premium", "ultimate", "oss", "edu")
"""The plans of today. No figure depends on it: the tier of an installation is what its report says."""

SUBSCRIPTIONS_CHANGED = "subscriptions changed"
AT_ONCE = 1000
"""Rows that are written in one go."""

Write = Callable[[Sequence[Subscription]], None]


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{name}: {text!r} is no date; write YYYY-MM-DD.") from error


def parse_subscription(_line: int, values: Mapping[str, str]) -> Subscription:
    """A line of the list; raises with every fault of the line."""
    faults: list[str] = []
    name = clean(values["subscription_id"])
    if not name:
        faults.append("subscription_id: it is empty.")
    plan = values["plan"].lower()
    if plan not in PLANS:
        faults.append(f"plan: {values['plan']!r} is unknown; it is one of {', '.join(PLANS)}.")
    seats = 0
    try:
        seats = int(values["seats"])
    except ValueError:
        faults.append(f"seats: {values['seats']!r} is no whole number.")
    if seats < 0:
        faults.append(f"seats: {seats} is less than 0.")
    if seats >= 2**63:
        faults.append(f"seats: {seats} is too large.")
    starts_on = ends_on = None
    try:
        starts_on = _day("starts_on", values["starts_on"])
    except ValueError as error:
        faults.append(str(error))
    try:
        ends_on = _day("ends_on", values["ends_on"]) if values["ends_on"] else None
    except ValueError as error:
        faults.append(str(error))
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        faults.append(f"ends_on: {ends_on} lies before starts_on {starts_on}.")
    delivery = values["delivery"].lower()
    if delivery not in Delivery.values:
        faults.append(f"delivery: {values['delivery']!r} is none; it is one of {', '.join(Delivery.values)}.")
    if faults or starts_on is None:
        raise ValueError(" ".join(faults))
    return Subscription(
        subscription_id=name,
        account=clean(values["account"]),
        plan=plan,
        seats=seats,
        starts_on=starts_on,
        ends_on=ends_on,
        delivery=delivery,
    )


SUBSCRIPTION_FIELDS = ("account", "plan", "seats", "starts_on", "ends_on", "delivery")


@transaction.atomic
def import_subscriptions(
    *,
    content: bytes,
    good_lines: bool = False,
    dry_run: bool = False,
    actor: User | None = None,
    say: Say | None = None,
) -> Outcome:
    """Bring the list of subscriptions up to a CSV. Those that the file does not name stay as they are."""
    rows, faults = read(content, SUBSCRIPTION_COLUMNS, parse_subscription, say=say)
    wanted: dict[str, Subscription] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        if row.subscription_id in wanted:
            first = lines[row.subscription_id]
            faults.append(Fault(line, f"subscription_id: {row.subscription_id!r} stands on line {first} already."))
        else:
            wanted[row.subscription_id] = row
            lines[row.subscription_id] = line
    outcome = Outcome(faults=sorted(faults, key=lambda fault: fault.line))
    fresh, changed = _differences(wanted)
    outcome.created, outcome.changed = len(fresh), len(changed)
    outcome.unchanged = len(wanted) - len(fresh) - len(changed)
    if dry_run or (faults and not good_lines):
        return outcome
    for number, (some, write) in enumerate([*_in_chunks(fresh, _create), *_in_chunks(changed, _update)], start=1):
        write(some)
        if say is not None:
            say(f"{min(number * AT_ONCE, len(fresh) + len(changed)):,} of {len(fresh) + len(changed):,} written")
    if fresh or changed:
        _note_change(actor)
    outcome.imported = True
    return outcome


def _differences(wanted: Mapping[str, Subscription]) -> tuple[list[Subscription], list[Subscription]]:
    """Which of these are new, and which differ from what the list has; the latter with their new values."""
    kept = {
        row.subscription_id: row
        for row in Subscription.objects.select_for_update().filter(subscription_id__in=list(wanted))
    }
    fresh, changed = [], []
    for name, row in wanted.items():
        old = kept.get(name)
        if old is None:
            fresh.append(row)
        elif _take_over(old, row):
            changed.append(old)
    return fresh, changed


def _take_over(old: Subscription, new: Subscription) -> bool:
    """Give a row the values of another; says whether any differed."""
    differs = any(getattr(old, name) != getattr(new, name) for name in SUBSCRIPTION_FIELDS)
    for name in SUBSCRIPTION_FIELDS:
        setattr(old, name, getattr(new, name))
    return differs


def _in_chunks(rows: Sequence[Subscription], write: Write) -> Iterator[tuple[Sequence[Subscription], Write]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE], write


def _create(rows: Sequence[Subscription]) -> None:
    Subscription.objects.bulk_create(rows)


def _update(rows: Sequence[Subscription]) -> None:
    Subscription.objects.bulk_update(rows, SUBSCRIPTION_FIELDS)


def _note_change(actor: User | None) -> None:
    """Months follow. Dates touch some of them and reports that name a subscription others; all are cheap to count."""
    note(months=known_months(), cause=SUBSCRIPTIONS_CHANGED, actor=actor)
    wake_roll_up()


@transaction.atomic
def change_subscription(*, wanted: Subscription, actor: User | None) -> bool:
    """Put one subscription on the list, or change it to ``wanted`` (not saved); says whether anything changed."""
    fresh, changed = _differences({wanted.subscription_id: wanted})
    for one in (*fresh, *changed):
        one.save()
        _note_change(actor)
    return bool(fresh or changed)


@transaction.atomic
def remove_subscription(*, subscription_id: str, actor: User | None) -> bool:
    """Take a subscription off the list; says whether it was there. One that a report names is active all the same."""
    gone, _ = Subscription.objects.filter(subscription_id=subscription_id).delete()
    if gone:
        _note_change(actor)
    return bool(gone)
