"""Of several workers, one gets all tests of a group; what takes longest begins first."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import CHECKOUT, pytest_xdist_make_scheduler
from tests.workers import LONG, SHARING, group_of, turn_of

TESTS = [
    *(f"tests/browser/test_every_page.py::test_{number}" for number in range(4)),
    "tests/stages/browser/test_editing.py::test_by_keyboard[user@example.com]",
    *(f"tests/ops/test_run.py::test_{number}" for number in range(3)),
    *(f"tests/sample_plugin/test_rota.py::test_{number}" for number in range(3)),
    *(f"tests/stages/test_pages.py::test_{number}" for number in range(20)),
]


class Worker:
    """Runs at once what it is given."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.given: list[int] = []

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def test_a_group_runs_on_one_worker_and_groups_run_first() -> None:
    config: Any = pytest.Config.fromdictargs({"dist": "loadgroup", "tx": ["2*popen"]}, [])
    scheduler = pytest_xdist_make_scheduler(config, None)
    assert scheduler is not None
    workers: list[Any] = [Worker("one"), Worker("two")]
    for worker in workers:
        scheduler.add_node(worker)
    for worker in workers:
        scheduler.add_node_collection(worker, TESTS)
    scheduler.schedule()
    done = 0
    while any(len(worker.given) > done for worker in workers):
        for worker in workers:
            if len(worker.given) > done:
                scheduler.mark_test_complete(worker, worker.given[done])
        done += 1

    ran = [[TESTS[index] for index in worker.given] for worker in workers]
    assert sorted(ran[0] + ran[1]) == sorted(TESTS)
    assert all(len(mine) > 5 for mine in ran)
    for group in ("browser", "servers", "subportals"):
        assert sum(any(group_of(test) == group for test in mine) for mine in ran) == 1, group
    for mine in ran:
        assert [turn_of(test) for test in mine] == sorted(turn_of(test) for test in mine)


def test_every_path_that_is_named_for_its_order_is_there() -> None:
    for path in (*LONG, *(part for parts in SHARING.values() for part in parts)):
        found = list(CHECKOUT.glob(f"tests/**{path}")) if path.startswith("/") else [CHECKOUT / path]
        assert found, path
        assert all(each.exists() for each in found), path
