"""``docs/performance.md``: one run as a page, a section for each case, the failed ones included."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.harness import Result, Row, table

TEXT = """# Performance

Written by `make bench`; do not edit by hand. All numbers come from one run on one machine, on which nothing else ran:

> {where}

{verdict}

## How it is measured

- Each case runs in a process of its own, on a freshly migrated and otherwise empty database of its own, one after the
  other; its section says what it does. Durable commits, as in production.
- A number is the median of repeated rounds, the range stands beside it. Where the budget is a ratio, the floor is the
  leanest program that does the same work, written for this bench, and both are measured in turns in the same run; the
  ratio says something about this code, the absolute numbers about the machine too.
- The load comes from the same machine, so that senders, web server, workers and PostgreSQL share its cores.
- ✓ and ✗ say whether a budget is met. A case that failed is shown with its error; its numbers are missing, not old.
- `make bench BENCH="reading live"` runs some cases and prints them without writing this page; `--quick` makes them
  small. How to add a case: [Benchmarks](developers/benchmarks.md).
"""


def page(results: Sequence[Result], where: str) -> str:
    """The whole page."""
    return "\n".join([TEXT.format(where=where, verdict=verdict(results)), *(section(result) for result in results)])


def verdict(results: Sequence[Result]) -> str:
    """One line: how many budgets are met, which are missed, which cases failed."""
    judged = [(full_name(result, row), row) for result in results for row in result.rows if row.met is not None]
    missed = [f"{name} ({row.budget})" for name, row in judged if not row.met]
    failed = [result.name for result in results if result.error]
    line = f"{len(judged) - len(missed)} of {len(judged)} budgets are met."
    if missed:
        line += f" Missed: {'; '.join(missed)}."
    if failed:
        line += f" Failed, and so not measured: {', '.join(failed)}."
    return line


def full_name(result: Result, row: Row) -> str:
    """A row by itself: its case, and what it goes on with where it begins with dots."""
    before = [each.work for each in result.rows[: list(result.rows).index(row)] if not each.work.startswith("…")]
    name = f"{before[-1]} {row.work}" if row.work.startswith("…") and before else row.work
    return f"{result.name}: {name}"


def section(result: Result) -> str:
    """A case: what it does, then its rows or why there are none."""
    parts = [f"## {result.name}", result.words]
    if result.error:
        parts.append(f"**This case failed in this run:** `{result.error}`")
    if result.rows:
        parts.append(table(result.rows))
    return "\n\n".join(part for part in parts if part) + "\n"
