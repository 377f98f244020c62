"""A whole portal in a process of its own, on the database that its environment names, told what to do step by step.

``python -m tests.ops.witness STEP …`` runs the steps in order and prints what each found as one JSON list. A step may
take a word, after a colon: ``restore:/folder/file.dump``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOSTNAME = "moved.example.com"
UUID = "6f0e4ab1-4a52-4bb4-8f2e-3d3b1c1b7a01"
INDICATOR = ("usage_activity_by_stage_monthly", "write", "people_using_repositories")


def quiet(*words: str) -> None:
    """Nobody listens."""


def migrate() -> str:
    """Make the tables; the version of the server."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return server()


def server() -> str:
    """The major version of the PostgreSQL that answers."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        ((number,),) = cursor.fetchall()
    return str(int(number) // 10000)


def catalog() -> None:
    """People, stages and metrics, so that a report has something to count for."""
    from metrics.demo.step import run as make_the_dictionary
    from portal.demo import make_sign_ins
    from stages.demo.step import run as make_the_catalog

    for step in (make_sign_ins, make_the_catalog, make_the_dictionary):
        step(quiet)


def world() -> None:
    """A small demo world: a few installations over some months, with all that goes wrong in the large one."""
    from telemetry.demo.step import build
    from telemetry.demo.world import last_month, make_world

    catalog()
    today = datetime.now(UTC).date()
    build(make_world(last_month(today), until=today, installations=12, months=7), quiet)


def recorded_at() -> datetime:
    """The last full hour of last month: in the month that the figures are asked for."""
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=1)


def body(users: int) -> bytes:
    """A ping of an installation; one with more users is a newer report."""
    ping: dict[str, Any] = {
        "uuid": UUID,
        "hostname": HOSTNAME,
        "recorded_at": (recorded_at() + timedelta(seconds=users)).isoformat(),
        "version": "8.1.0",
        "edition": "CE",
        INDICATOR[0]: {INDICATOR[1]: {INDICATOR[2]: users}},
    }
    return json.dumps(ping).encode()


def send(users: str) -> int:
    """Post a ping; its id."""
    import django.test

    answer = django.test.Client().post("/usage_data", data=body(int(users)), content_type="application/json")
    assert answer.status_code == 201, answer.content
    number: int = answer.json()["conv_index"]["usage_data_id"]
    return number


def work() -> None:
    """What the workers do, here and now."""
    from metrics.tasks import roll_up
    from telemetry.tasks import read_pings

    read_pings()
    roll_up()


def figure() -> dict[str, Any]:
    """Last month's SMAU of the stage, and its passport, as the API gives them."""
    from rest_framework.test import APIClient

    from portal.models import User

    client = APIClient()
    # Without a sign-in, which would be written down.
    client.force_authenticate(User.objects.get(username="admin"))
    question = {"indicator": "smau", "stage": INDICATOR[1], "month": f"{recorded_at():%Y-%m}"}
    (row,) = client.get("/api/v1/figures/", question).json()["results"]
    passport = client.get(f"/api/v1/figures/{row['id']}/passport/").json()
    mine = [each["value"] for each in passport["contributions"] if HOSTNAME in json.dumps(each)]
    return {"figure": without_as_of(row), "passport": without_as_of(passport), "mine": mine}


def without_as_of(document: Any) -> Any:
    """A document without the moments at which it was asked for."""
    if isinstance(document, dict):
        return {key: without_as_of(value) for key, value in document.items() if key != "as_of"}
    if isinstance(document, list):
        return [without_as_of(one) for one in document]
    return document


def rows() -> dict[str, str]:
    """How many rows each table holds, and a checksum of all of them."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        # Times and numbers as text must not depend on the server's own preferences.
        cursor.execute("SET TimeZone = 'UTC'")
        for table in sorted(connection.introspection.table_names()):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            lines = sorted(line for (line,) in cursor)
            found[table] = f"{len(lines)} {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"
    return found


KEPT = {
    "partitions": "format('%s %s', inhparent::regclass, inhrelid::regclass) FROM pg_inherits",
    "functions": "format('%s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "triggers": "format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal",
    "sequences": "format('%s %s', sequencename, last_value) FROM pg_sequences WHERE schemaname = 'public'",
    # Without its condition, of which each server keeps a spelling of its own.
    "indexes": "split_part(indexdef, ' WHERE ', 1) FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": "format('%s %s', conrelid::regclass, conname) FROM pg_constraint"
    " WHERE contype IN ('p', 'u', 'f', 'c') AND connamespace = 'public'::regnamespace",
    "storage": "format('%s %s %s', attrelid::regclass, attname, attstorage) FROM pg_attribute"
    " JOIN pg_class ON attrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace"
    " AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped",
}
"""What each kind of thing beside rows is told by."""


def structure() -> dict[str, list[str]]:
    """All that a database holds beside rows."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for kind, sql in KEPT.items():
            cursor.execute(f"SELECT {sql}")
            found[kind] = sorted(line for (line,) in cursor)
    return found


def backup(file: str) -> None:
    """``manage.py backup``."""
    from django.core.management import call_command

    with Path(os.devnull).open("w") as nowhere:
        call_command("backup", file, stdout=nowhere)


def restore(file: str) -> None:
    """``manage.py restore``."""
    from django.core.management import call_command

    with Path(os.devnull).open("w") as nowhere:
        call_command("restore", file, stdout=nowhere)


STEPS: dict[str, Callable[..., Any]] = {
    step.__name__: step
    for step in (migrate, server, catalog, world, send, work, figure, rows, structure, backup, restore)
}


def main() -> None:
    """Run the steps named on the command line."""
    import django

    django.setup()
    from django.conf import settings

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    found = []
    for given in sys.argv[1:]:
        name, _, word = given.partition(":")
        found.append(STEPS[name](*([word] if word else [])))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
