"""``python -m tests.bench.one CASE FILE [--quick]``: run one case here and write what it brought as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench.harness import CASES, Bench, Result, Row, words_of


def find_cases() -> None:
    """Have every ``cases_*.py`` register what it measures."""
    for file in sorted(Path(__file__).parent.glob("cases_*.py")):
        importlib.import_module(f"tests.bench.{file.stem}")


def measure(name: str, bench: Bench) -> Result:
    """Run a case; one that fails is a result too."""
    _, run = CASES[name]
    begun = time.monotonic()
    try:
        rows = run(bench)
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return Result(name=name, words=words_of(run), error=words[:500], seconds=time.monotonic() - begun)
    return Result(name=name, words=words_of(run), rows=rows, seconds=time.monotonic() - begun)


def load(file: Path) -> Result:
    """What ``measure`` brought in another process."""
    told = json.loads(file.read_text(encoding="utf-8"))
    return Result(**{**told, "rows": [Row(**row) for row in told["rows"]]})


def main() -> int:
    """In the environment that ``make bench`` made for this case."""
    import django

    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("file", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    django.setup()
    find_cases()

    from portal.memory import keep_what_is_loaded

    # As web server and workers do when they begin.
    keep_what_is_loaded()
    result = measure(options.case, Bench(folder=options.file.parent, quick=options.quick))
    options.file.write_text(json.dumps(asdict(result)), encoding="utf-8")
    return 1 if result.error else 0


if __name__ == "__main__":
    sys.exit(main())
