"""What a benchmark is: a named case that returns rows, each with its samples, and perhaps its floor and budget."""

from __future__ import annotations

import inspect
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. ``samples`` are repeated measurements of one thing, in ``unit``.

    ``ratio`` compares with the floor of the same run; ``budget`` says what DESIGN 10 asks of it, ``met`` whether it
    was reached (``None`` where there is no budget).
    """

    work: str
    samples: Sequence[float]
    unit: str
    ratio: float | None = None
    budget: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one case brought in one run: its rows or, where it failed, why."""

    name: str
    words: str
    rows: Sequence[Row] = ()
    error: str = ""
    seconds: float = 0.0


@dataclass
class Bench:
    """Handed to a case: where it may write, how large to go, and a voice.

    A case runs in a process of its own, on a migrated and otherwise empty database of its own.
    """

    folder: Path
    quick: bool = False
    say: Callable[[str], None] = field(default=lambda words: print(words, flush=True))

    def repeat(self, run: Callable[[], object], times: int = 5) -> list[float]:
        """Seconds of ``times`` runs."""
        samples = []
        for _ in range(2 if self.quick else times):
            begun = time.perf_counter()
            run()
            samples.append(time.perf_counter() - begun)
        return samples


Run = Callable[[Bench], Sequence[Row]]
CASES: dict[str, tuple[int, Run]] = {}


def case(name: str, run: Run | None = None, *, order: int = 100) -> Callable[[Run], Run]:
    """Register a case: ``@case("rollup")`` above a function, or ``case("rollup", run)``.

    The function's docstring stands on the page above the rows: what is measured, and what each row means.
    """

    def register(function: Run) -> Run:
        if name in CASES:
            raise ValueError(f"Two benchmark cases are named {name!r}.")
        CASES[name] = (order, function)
        return function

    if run is not None:
        register(run)
    return register


def part(samples: Sequence[float], percent: float) -> float:
    """The value below which so many of a hundred samples lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def number(value: float) -> str:
    """Three meaningful digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table that is also good to read on a terminal."""
    head = ("work", "median", "range", "ratio", "budget", "")
    body = [
        (
            row.work,
            f"{number(row.median)} {row.unit}",
            f"{number(min(row.samples))}–{number(max(row.samples))}" if len(row.samples) > 1 else "",
            f"{row.ratio:.2f}" if row.ratio is not None else "",
            row.budget + ({True: " ✓", False: " ✗", None: ""}[row.met]),
            row.note,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (head, *body)]
    lines.insert(1, " | ".join("-" * max(width, 3) for width in widths))
    return "\n".join(f"| {line} |" for line in lines)


def words_of(run: Run) -> str:
    """What a case says about itself, as Markdown in one line a paragraph."""
    paragraphs = (inspect.getdoc(run) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def machine() -> str:
    """The machine in one sentence: numbers mean nothing without it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def revision() -> str:
    """The commit that was measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def python() -> str:
    """The interpreter for helper processes."""
    return sys.executable
