"""``python -m tests.bench [case …] [--quick]``: run the benchmarks and write ``docs/performance.md``.

Each case runs in a process of its own on a copy of a migrated, empty database: no case depends on another, none
leaves anything in another's memory, and one that fails costs the others nothing. The page is written all the same,
with a line that says so; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from portal.embedded import ensure_running, stop_when_unused
from tests.bench.harness import CASES, Result, machine, python, revision, table, words_of
from tests.bench.one import find_cases, load
from tests.bench.page import page, verdict

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
LONGEST = 1800.0
"""Seconds after which a case counts as hung."""
LAST_WORDS = 15


class Databases:
    """The server of the run: the embedded one in its folder, or the one of ``BENCH_DATABASE_URL``."""

    def __init__(self, folder: Path) -> None:
        self.url = os.environ.get("BENCH_DATABASE_URL", "")
        if not self.url:
            entry = ensure_running(folder)
            self.url = f"postgresql://{entry['USER']}@/{entry['NAME']}?host={quote(entry['HOST'], safe='')}"
        self.link = psycopg.connect(self.url, autocommit=True)
        self.mark = f"bench_{secrets.token_hex(3)}"
        self.made: list[str] = []

    def make(self, name: str, template: str = "template0") -> str:
        """A new database, empty or a copy; its URL."""
        self.link.execute(f'CREATE DATABASE "{self.mark}_{name}" TEMPLATE "{template}"')
        self.made.append(f"{self.mark}_{name}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{self.mark}_{name}"))

    def copy(self, name: str) -> str:
        """A copy of the one named ``empty``, which nobody may be using now."""
        return self.make(name, f"{self.mark}_empty")

    def drop(self, name: str) -> None:
        """Also with somebody in it."""
        self.link.execute(f'DROP DATABASE IF EXISTS "{self.mark}_{name}" WITH (FORCE)')
        self.made.remove(f"{self.mark}_{name}")

    def version(self) -> str:
        """As people say it."""
        row = self.link.execute("SELECT current_setting('server_version')").fetchone()
        return str(row[0]).split()[0] if row else "unknown"

    def close(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        for name in list(self.made):
            self.link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.link.close()


def main() -> int:
    """A fresh embedded PostgreSQL in a temporary folder, or the server of ``BENCH_DATABASE_URL``."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("cases", nargs="*", help="names of cases; all without")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds, and no page is written")
    options = parser.parse_args()
    # Told to end, it tidies up as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="stageboard-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        databases = Databases(folder)
        try:
            return run(options, folder, databases)
        finally:
            databases.close()
    finally:
        if (folder / "postgres").exists():
            stop_when_unused(folder)
        shutil.rmtree(folder, ignore_errors=True)


def run(options: argparse.Namespace, folder: Path, databases: Databases) -> int:
    """Make the empty database, run the cases one by one, print and write."""
    begun = time.monotonic()
    names = chosen(options.cases, folder, databases)
    if not names:
        return 2
    print("Migrating a fresh database", flush=True)
    subprocess.run(
        [python(), "manage.py", "prepare"],
        env=environment(folder, databases.make("empty")),
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    results = []
    for name in names:
        print(f"{name} …", flush=True)
        results.append(run_case(name, folder, databases, quick=options.quick))
        databases.drop(name)
    where = (
        f"{machine()}, PostgreSQL {databases.version()}, commit {revision()}, {datetime.now(UTC):%Y-%m-%d}; "
        f"took {time.monotonic() - begun:.0f} s"
    )
    print(f"\n{where}\n\n{table([row for result in results for row in result.rows])}\n\n{verdict(results)}")
    print("Seconds: " + ", ".join(f"{result.name} {result.seconds:.0f}" for result in results))
    for result in results:
        if result.error:
            print(f"FAILED {result.name}: {result.error}")
    if not options.quick and not options.cases:
        PAGE.write_text(page(results, where), encoding="utf-8")
        print(f"\nWritten to {PAGE.relative_to(ROOT)}")
    return 1 if any(result.error for result in results) else 0


def chosen(wanted: list[str], folder: Path, databases: Databases) -> list[str]:
    """The cases in their order; none, with a sentence, where one is unknown."""
    os.environ.update(environment(folder, databases.url))
    import django

    django.setup()
    find_cases()
    if unknown := [name for name in wanted if name not in CASES]:
        sys.stderr.write(f"No case is named {', '.join(unknown)}. There are: {', '.join(sorted(CASES))}\n")
        return []
    return [
        name for name, _ in sorted(CASES.items(), key=lambda each: (each[1][0], each[0])) if name in (wanted or CASES)
    ]


def environment(folder: Path, url: str) -> dict[str, str]:
    """What a process of the portal gets: a database, a data folder, and no setting of whoever runs this."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "DATABASE_URL": url,
        "PORTAL_DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
    }


def run_case(name: str, folder: Path, databases: Databases, *, quick: bool) -> Result:
    """One case in its process. Its log goes to a file, of which the end is shown where it fails."""
    own = folder / f"case-{name}"
    own.mkdir(mode=0o755)
    for prepared in ("assets", "static"):
        (own / prepared).symlink_to(folder / prepared)
    log, file = own / "case.log", own / "result.json"
    command = [python(), "-m", "tests.bench.one", name, str(file), *(["--quick"] if quick else [])]
    begun = time.monotonic()
    words = "The process of the case ended without a result."
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment(own, databases.copy(name)), cwd=ROOT, stderr=sink, start_new_session=True
        )
    try:
        process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        words = f"Not done after {LONGEST:.0f} s."
    finally:
        # With the servers that it started; nothing is left of a case that went as it should.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    result = (
        load(file)
        if file.exists()
        else Result(name=name, words=words_of(CASES[name][1]), error=words, seconds=time.monotonic() - begun)
    )
    if result.error:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_WORDS:]), flush=True)
    shutil.rmtree(own, ignore_errors=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
