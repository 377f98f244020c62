"""Stored pings read again with the present parser and dictionary: one, those of an older parser, or all."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Max

from metrics import facts
from metrics.definitions.catalogue import ReadingPlan, reading_plan
from portal.models import User
from telemetry.models import Ping, Reread, RereadRun, Sender
from telemetry.queries import reading_of
from telemetry.reading import PARSER_VERSION
from telemetry.reading.classify import Reading
from telemetry.verbs.runs import carry_on, note_failure
from telemetry.worker import Claimed, Outcome, read_batch, recount_issues, report_facts

BATCH = 100
MOST_KEPT = 200
"""So many changes of a ping are kept one by one; how many there were is kept in any case."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that a ping now says otherwise: a key path, or a word of the report such as ``version``."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What reading a ping again changed. ``filled`` of the ``values`` were missing before."""

    ping_id: int
    state: str
    filled: int = 0
    values: tuple[Changed, ...] = ()
    values_before: int | None = None
    values_after: int | None = None
    new_issues: tuple[dict[str, str], ...] = ()
    gone_issues: tuple[dict[str, str], ...] = ()
    body_gone: bool = False
    failure: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the ping reads as before."""
        return not (
            self.values
            or self.values_before != self.values_after
            or self.new_issues
            or self.gone_issues
            or self.failure
        )

    @property
    def sentence(self) -> str:
        """For people."""
        if self.body_gone:
            return "the raw body was removed by retention; there is nothing to read again"
        if self.failure:
            return f"reading failed: {self.failure}"
        if self.is_empty:
            return "nothing changed"
        return (
            f"{len(self.values) - self.filled} values corrected, {self.filled} filled, "
            f"{len(self.new_issues)} new issues, {len(self.gone_issues)} issues gone"
        )


@transaction.atomic
def reread_ping(*, ping: Ping, by: User | None = None) -> Change:
    """Read a stored ping with the present parser and dictionary: what it says now counts, and what changed is kept.

    Whether it is trusted is not asked again: that was decided about these very bytes.
    """
    ping = Ping.objects.select_for_update().get(pk=ping.pk)
    if ping.state in {Ping.State.FAILED, Ping.State.ACCEPTED}:
        Ping.objects.filter(pk=ping.pk).update(state=Ping.State.ACCEPTED)
        read_batch(1, ids=[ping.pk])
        ping.refresh_from_db()
        return Change(ping_id=ping.pk, state=ping.state, values_after=ping.values_ok, failure=ping.cause)
    plan = reading_plan()
    reading = reading_of(ping, plan)
    if reading is None:
        return Change(ping_id=ping.pk, state=ping.state, body_gone=True)
    outcome = Outcome(Claimed.of(ping), reading)
    names = {definition.slot: path for path, definition in plan.by_key_path.items() if definition.slot is not None}
    correction = facts.correct_report(fact=report_facts(outcome), slots=names.keys(), actor=by)
    before, after = ping.issues, [issue.as_json() for issue in reading.issues]
    change = Change(
        ping_id=ping.pk,
        state=ping.state,
        filled=sum(isinstance(old, facts.Missing) for old, _ in correction.readings.values()),
        values=(
            *(Changed(name, told(old), told(new)) for name, (old, new) in correction.columns.items()),
            *(Changed(names[slot], told(old), told(new)) for slot, (old, new) in correction.readings.items()),
        ),
        values_before=ping.values_ok,
        values_after=reading.ok,
        new_issues=tuple(issue for issue in after if issue not in before),
        gone_issues=tuple(issue for issue in before if issue not in after),
    )
    _keep(ping, change, plan=plan, by=by)
    if ping.state == Ping.State.READ:
        recount_issues(ping.recorded_at, before=ping.issues, after=after)
    _update(ping, reading, plan)
    return change


def told(value: object) -> str:
    """A value or a state of a report as a word."""
    if isinstance(value, facts.Missing):
        return value.word.replace("_", " ")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)[:200]


def _keep(ping: Ping, change: Change, *, plan: ReadingPlan, by: User | None) -> None:
    """Note what changed, with the versions of parser and dictionary."""
    Reread.objects.create(
        ping=ping,
        by=by,
        from_parser=ping.parser_version,
        to_parser=PARSER_VERSION,
        from_plan=ping.plan_version,
        to_plan=plan.version,
        changes={
            "filled": change.filled,
            "values": [asdict(changed) for changed in change.values[:MOST_KEPT]],
            "values_changed": len(change.values),
            "values_before": change.values_before,
            "values_after": change.values_after,
            "new_issues": list(change.new_issues[:MOST_KEPT]),
            "gone_issues": list(change.gone_issues[:MOST_KEPT]),
        },
    )


def _update(ping: Ping, reading: Reading, plan: ReadingPlan) -> None:
    """What the ping's own row, and its sender's if it is the last one, say of it."""
    about = reading.about
    ping.parser_version, ping.plan_version, ping.values_ok = PARSER_VERSION, plan.version, reading.ok
    ping.issue_counts = {str(kind): count for kind, count in reading.counts.items()}
    ping.issues = [issue.as_json() for issue in reading.issues]
    ping.version, ping.edition = about.version or ping.version, about.edition or ping.edition
    ping.installation_type, ping.unique_instance_id = about.installation_type, about.unique_instance_id
    ping.categories = list(about.categories) if about.categories is not None else None
    ping.save(
        update_fields=[
            "parser_version",
            "plan_version",
            "values_ok",
            "issue_counts",
            "issues",
            "version",
            "edition",
            "installation_type",
            "unique_instance_id",
            "categories",
        ]
    )
    Sender.objects.filter(last_ping=ping).update(
        version=about.version, edition=about.edition, unique_instance_id=about.unique_instance_id, seats=about.seats
    )


def plan_reread(*, scope: str, by: User | None = None) -> RereadRun:
    """Note that stored pings must be read again: all, or those that an older parser has read."""
    last = Ping.objects.aggregate(last=Max("id"))["last"] or 0
    return RereadRun.objects.create(scope=scope, last_id=last, by=by)


def run_reread(run_id: int) -> RereadRun | None:
    """Run (or go on with) a reading again, shown under Tasks. One process at a time; safe to run twice."""
    run = RereadRun.objects.select_related("by").get(pk=run_id)
    return carry_on(
        run,
        name=f"Read again: {run.get_scope_display()}",
        task="telemetry.tasks.retry_reread",
        step=reread_some,
        says=lambda now: (
            f"{now.changed:,} of {now.looked_at:,} pings changed"
            + (f", {now.failed:,} could not be read" if now.failed else "")
        ),
        user=run.by,
    )


def reread_some(run: RereadRun, size: int = BATCH) -> int:
    """Read the next pings again, each in a transaction of its own; how far we are is kept after them."""
    pings = Ping.objects.filter(id__gt=run.next_id, id__lte=run.last_id).order_by("id")[:size]
    for ping in pings:
        run.next_id, run.looked_at = ping.pk, run.looked_at + 1
        if ping.state == Ping.State.ACCEPTED or (run.scope == RereadRun.Scope.OLDER and not _is_older(ping)):
            continue
        try:
            change = reread_ping(ping=ping, by=run.by)
        except Exception as error:  # a ping costs no other
            note_failure(run, ping.pk, error)
            continue
        run.changed += not change.is_empty
        if change.failure:
            run.failed, run.cause = run.failed + 1, f"ping {ping.pk}: {change.failure}"
    run.save(update_fields=["next_id", "looked_at", "changed", "failed", "cause"])
    return len(pings)


def _is_older(ping: Ping) -> bool:
    return ping.parser_version is None or ping.parser_version < PARSER_VERSION
