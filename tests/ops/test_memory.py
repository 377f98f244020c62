"""Web server and workers look through what they loaded once; a collection of the rest is short."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT

WEB = "import portal.wsgi"
WORKER = "from celery.signals import worker_init; import portal.celery; worker_init.send(sender=None)"


@pytest.mark.parametrize("process", [WEB, WORKER])
def test_what_a_process_loaded_is_not_looked_through_again(process: str) -> None:
    looked_at = "import gc; print(gc.get_freeze_count(), len(gc.get_objects()))"
    run = subprocess.run(
        [sys.executable, "-c", f"{process}; {looked_at}"],
        env={**os.environ, "DATABASE_URL": "postgresql:///none", "SECRET_KEY": "none", "PYTHONPATH": str(CHECKOUT)},
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    kept, left = map(int, run.stdout.split()[-2:])
    assert kept > 10 * left


def test_the_views_are_loaded_before_the_first_request() -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"{WEB}; import sys; print('stages.views' in sys.modules)"],
        env={**os.environ, "DATABASE_URL": "postgresql:///none", "SECRET_KEY": "none", "PYTHONPATH": str(CHECKOUT)},
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split()[-1] == "True"
