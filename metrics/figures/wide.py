"""Statements with hundreds of expressions, over many rows, that are read now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def wide_cursor() -> Iterator[Any]:
    """A cursor whose statements PostgreSQL does not compile and sorts in memory.

    Compiling statements so wide takes seconds and saves none; sorting them on disk costs more than counting them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '32MB'")
        yield cursor
