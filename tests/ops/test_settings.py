"""The settings for production are strict; those of the demo are convenient."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ops.conftest import ROOT

PRODUCTION = {
    "PORTAL_PRODUCTION": "1",
    "SECRET_KEY": "a-long-word-for-this-test-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "stageboard.example.com",
}


def manage(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command that needs no database."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(folder), "DATABASE_URL": "postgresql:///none", **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_passes_djangos_own_review(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"DEBUG": "1"}, "DEBUG must not be set"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL must start with postgresql://"),
    ],
)
def test_a_production_that_is_not_set_up_does_not_start(tmp_path: Path, change: dict[str, str], words: str) -> None:
    done = manage(tmp_path, "check", **(PRODUCTION | change))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_is_refused_in_production(tmp_path: Path) -> None:
    done = manage(tmp_path, "demo", "--skip-checks", **PRODUCTION)
    assert done.returncode == 1
    assert "well-known passwords" in done.stderr


def test_logs_are_json_lines_on_standard_error_with_the_requests_id(tmp_path: Path) -> None:
    code = (
        "import structlog, logging; from portal import request_id; request_id._current.set('r-1234567');"
        " structlog.get_logger('stages').info('imported', rows=3); logging.getLogger('library').warning('odd %s', 'x')"
    )
    done = manage(tmp_path, "shell", "-v0", "-c", code)
    assert done.stdout == ""
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["rows"], first["level"], first["logger"]) == ("imported", 3, "info", "stages")
    assert first["request_id"] == "r-1234567"
    assert (second["event"], second["request_id"]) == ("odd x", "r-1234567")
