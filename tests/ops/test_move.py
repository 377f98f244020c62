"""Moving a whole portal by backup and restore: embedded → outside 15 → embedded 18 → outside 15, all plugins in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ops import servers
from tests.ops.conftest import open_folder, put_away

SEEN = ("server", "figure", "structure", "rows")


@pytest.fixture
def folders() -> Iterator[list[Path]]:
    """Three data folders; PostgreSQL's unprivileged user may reach them."""
    made = [open_folder() for _ in range(3)]
    yield made
    for folder in made:
        put_away(folder)


def test_a_portal_moves_out_and_back_with_all_it_holds_and_goes_on_counting(
    folders: list[Path], migrated_file: Path
) -> None:
    server = servers.postgresql_15()
    first, between, last = folders
    files = [str(between / f"{number}.dump") for number in range(3)]
    with servers.fresh_database(server) as outside, servers.fresh_database(server) as again:
        _, _, *left, _ = servers.witness(first, f"restore:{migrated_file}", "world", *SEEN, f"backup:{files[0]}")
        arrived, moved_on = stay(between, files[0], files[1], users=40, DATABASE_URL=outside)
        assert (left[0], arrived[0]) == ("18", "15")
        same(left, arrived)

        arrived, moved_back = stay(last, files[1], files[2], users=55)
        assert arrived[0] == "18"
        same(moved_on, arrived)

        arrived, gone_on = stay(between, files[2], files[0], users=70, DATABASE_URL=again)
        assert arrived[0] == "15"
        same(moved_back, arrived)

    # What was counted at each place, on top of what the world itself had.
    own = left[1]["figure"]["recorded"]
    assert own > 0
    assert [place[1]["figure"]["recorded"] - own for place in (moved_on, moved_back, gone_on)] == [40, 55, 70]
    assert [place[1]["mine"] for place in (left, moved_on, moved_back, gone_on)] == [[], [40], [55], [70]]


def stay(data_dir: Path, file: str, onwards: str, *, users: int, **where: str) -> tuple[list[Any], list[Any]]:
    """Restore a backup and go on counting; what is there before and after a new ping, which is then backed up."""
    steps = (f"restore:{file}", *SEEN, f"send:{users}", "work", *SEEN, f"backup:{onwards}")
    found = servers.witness(data_dir, *steps, **where)
    size = len(SEEN)
    return found[1 : 1 + size], found[3 + size : 3 + 2 * size]


def same(left: list[Any], arrived: list[Any]) -> None:
    """All that was there when it was left is there where it arrived: figure, passport, rows, and all beside rows."""
    for before, after in zip(left[1:], arrived[1:], strict=True):
        assert after == before
    structure, rows = left[2:4]
    assert all(structure[kind] for kind in structure), "each kind of thing is there to be moved"
    layers = {table.partition("_")[0] for table, words in rows.items() if not words.startswith("0 ")}
    assert layers >= {"portal", "stages", "metrics", "telemetry"}
