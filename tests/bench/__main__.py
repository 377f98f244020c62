"""``python -m tests.bench [case …] [--quick]``: run the benchmarks in a database of their own and write the table."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    """A fresh embedded PostgreSQL in a temporary folder, or an empty database named by ``BENCH_DATABASE_URL``."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("cases", nargs="*", help="names of cases; all without")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds, and no page is written")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stageboard-bench-", dir="/tmp"))
    folder.chmod(0o755)
    os.environ["PORTAL_DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    os.environ["LOG_LEVEL"] = "WARNING"
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "PORTAL_PLUGINS", "PORTAL_PRODUCTION", "DEBUG"):
        os.environ.pop(name, None)
    if outside := os.environ.get("BENCH_DATABASE_URL"):
        os.environ["DATABASE_URL"] = outside
    try:
        return run(options, folder)
    finally:
        from portal.embedded import stop_when_unused

        if "DATABASE_URL" not in os.environ:
            from django.db import connections

            connections.close_all()
            stop_when_unused(folder)
        shutil.rmtree(folder, ignore_errors=True)


def run(options: argparse.Namespace, folder: Path) -> int:
    """Set Django up, migrate, run the cases, print and write."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.bench.harness import CASES, Bench, Row, machine, revision, table

    for file in sorted(Path(__file__).parent.glob("cases_*.py")):
        importlib.import_module(f"tests.bench.{file.stem}")
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        sys.stderr.write(f"No case is named {', '.join(unknown)}. There are: {', '.join(CASES)}\n")
        return 2
    print("Migrating a fresh database", flush=True)
    call_command("migrate", verbosity=0)
    call_command("prepare", verbosity=0)
    rows: list[Row] = []
    failed = []
    begun = time.monotonic()
    for name, (_, case) in sorted(CASES.items(), key=lambda item: (item[1][0], item[0])):
        if options.cases and name not in options.cases:
            continue
        print(f"{name} …", flush=True)
        try:
            rows += case(Bench(folder=folder, quick=options.quick))
        except Exception as error:  # one case must not cost the others' numbers
            failed.append(f"{name}: {type(error).__name__}: {error}")
    words = table(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        version = cursor.fetchone()[0].split()[0]
    where = f"{machine()}, PostgreSQL {version}, commit {revision()}, {datetime.now(UTC):%Y-%m-%d}"
    took = f"{time.monotonic() - begun:.0f} s"
    print(f"\n{where}; took {took}\n\n{words}")
    for line in failed:
        print(f"FAILED {line}")
    if not options.quick and not options.cases and not failed:
        PAGE.write_text(PAGE_TEXT.format(where=where, table=words), encoding="utf-8")
        print(f"\nWritten to {PAGE.relative_to(ROOT)}")
    return 1 if failed else 0


PAGE_TEXT = """# Performance

Written by `make bench`; do not edit by hand. All numbers of the table come from one run on one machine:

> {where}

{table}

Medians and ranges of repeated rounds. A ratio compares with the leanest program that does the same work, measured in
turns in the same run, so that it says something about this code and not about the machine. ✓ and ✗ say whether the
budget is met.
"""

if __name__ == "__main__":
    sys.exit(main())
