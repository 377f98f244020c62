"""Is the portal well? The host's checks and every plugin's, each kept from harming the others.

``/status/`` draws the results, ``/health/prometheus`` counts them; ``/health/`` asks for the database alone, since a
load balancer should take a web server out of service for its own faults only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from psycopg.pq import TransactionStatus

from portal.models import Job, LifeSign
from portal.plugin import Health, HealthCheck, HealthState
from portal.plugins.registry import registry

log = structlog.get_logger(__name__)

STATEMENT_LIMIT = timedelta(seconds=5)
"""A check may ask the database for so long; then it has failed, and says so."""
SILENT_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found: whose it is (``portal`` or the plugin's name), how it went and how long it took."""

    owner: str
    name: str
    state: HealthState
    sentence: str
    seconds: float


def results() -> list[Result]:
    """Run all checks. One that raises or takes too long has failed; the others still run.

    While all goes well they share one transaction. Those after one that broke it get a transaction each.
    """
    checks = list(all_checks())
    found = _together(checks)
    return found + [run(owner, check) for owner, check in checks[len(found) :]]


def _together(checks: list[tuple[str, HealthCheck]]) -> list[Result]:
    """The results up to the first check that broke the transaction, with its own."""
    found: list[Result] = []
    # A database that is away fails each check in its own words, by ``run``.
    with suppress(DatabaseError), statement_limit():
        for owner, check in checks:
            found.append(_watched(owner, check, nullcontext()))
            if not _in_good_transaction():
                break
    return found


def _in_good_transaction() -> bool:
    link = connection.connection
    return link is not None and link.info.transaction_status == TransactionStatus.INTRANS


def worst(found: list[Result]) -> HealthState:
    """The state of the whole: that of its worst part."""
    order = [HealthState.OK, HealthState.WARNING, HealthState.FAILED]
    return max((result.state for result in found), key=order.index, default=HealthState.OK)


def all_checks() -> Iterator[tuple[str, HealthCheck]]:
    """The host's checks, then the plugins'."""
    for check in HOST_CHECKS:
        yield "portal", check
    for plugin, check in registry.each("health"):
        yield plugin.name, check


def run(owner: str, check: HealthCheck) -> Result:
    """Run one check under a time limit for its statements."""
    return _watched(owner, check, statement_limit())


def _watched(owner: str, check: HealthCheck, limit: AbstractContextManager[None]) -> Result:
    begun = time.monotonic()
    try:
        with limit:
            health = check.check()
    except DatabaseError as error:
        slow = "canceling statement due to statement timeout" in str(error)
        words = (
            f"Took longer than {STATEMENT_LIMIT.total_seconds():.0f} seconds and was cut off."
            if slow
            else f"The database did not answer: {first_line(error)}"
        )
        health = Health(state=HealthState.FAILED, sentence=words)
    except Exception as error:  # a check of a plugin must not take the page down
        log.exception("health check failed", owner=owner, check=check.name)
        health = Health(state=HealthState.FAILED, sentence=f"The check itself failed: {first_line(error)}")
    return Result(
        owner=owner,
        name=check.name,
        state=health.state,
        sentence=health.sentence,
        seconds=time.monotonic() - begun,
    )


def first_line(error: Exception) -> str:
    """An error's first line, or its kind where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def statement_limit() -> Iterator[None]:
    """Limit statements within; what a check changed by mistake is undone, and so is the limit itself."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            limit = int(STATEMENT_LIMIT.total_seconds() * 1000)
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(limit)])
        yield
        transaction.set_rollback(True)


def database() -> Health:
    """PostgreSQL answers, and is one that we know."""
    begun = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int,"
            " pg_database_size(current_database())"
        )
        version, number, size = cursor.fetchone()
    took = (time.monotonic() - begun) * 1000
    if number < 150000:
        return Health(state=HealthState.FAILED, sentence=f"PostgreSQL {version} is too old; 15 is the least.")
    words = f"PostgreSQL {version.split()[0]} answers in {took:.0f} ms and holds {size / 2**20:,.0f} MB."
    return Health(state=HealthState.OK, sentence=words)


def migrations() -> Health:
    """The tables are those that this release expects."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(str(migration) for migration, _ in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return Health(state=HealthState.FAILED, sentence=f"Not applied: {names}{more}. Run `manage.py migrate`.")
    return Health(state=HealthState.OK, sentence="All migrations are applied.")


def broker() -> Health:
    """Hints can be given to the workers."""
    from portal.celery import app

    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"])
        waiting = sum(1 for file in folder.glob("*.msg"))
        state = HealthState.WARNING if waiting > 200 else HealthState.OK
        return Health(state=state, sentence=f"{waiting} messages wait in the data folder.")
    with app.connection_for_write(connect_timeout=2) as link:
        link.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=3)
        return Health(state=HealthState.OK, sentence=f"{link.as_uri()} takes messages.")


def alive(name: str, words: str) -> Callable[[], Health]:
    """A check that a part has given a sign of life lately."""

    def check() -> Health:
        sign = LifeSign.objects.filter(name=name).first()
        if sign is None:
            return Health(state=HealthState.WARNING, sentence=f"{words} has not been seen yet.")
        silent = timezone.now() - sign.at
        if silent > SILENT_AFTER:
            minutes = int(silent.total_seconds() // 60)
            return Health(
                state=HealthState.FAILED,
                sentence=f"{words} was last seen {minutes} minutes ago. Work waits, and is done once it runs again.",
            )
        return Health(state=HealthState.OK, sentence=f"{words} was seen {silent.total_seconds():.0f} seconds ago.")

    return check


def jobs() -> Health:
    """Long work of the last day ended well."""
    since = timezone.now() - timedelta(days=1)
    failed = Job.objects.filter(state=Job.State.FAILED, finished_at__gte=since).count()
    if failed:
        return Health(state=HealthState.WARNING, sentence=f"{failed} jobs failed within the last day; see Tasks.")
    return Health(state=HealthState.OK, sentence="No job failed within the last day.")


HOST_CHECKS = (
    HealthCheck(name="Database", check=database),
    HealthCheck(name="Migrations", check=migrations),
    HealthCheck(name="Message broker", check=broker),
    HealthCheck(name="Task worker", check=alive("worker", "The task worker")),
    HealthCheck(name="Timetable and sweeps", check=alive("sweeper", "The timetable with its sweeper")),
    HealthCheck(name="Jobs", check=jobs),
)
