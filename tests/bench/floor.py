"""The floor of the accept path: a bare WSGI app that stores the compressed body, and nothing else.

Its address of the database comes in ``BENCH_DSN``. One connection a thread, one transaction a body, no framework.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import zstandard

TABLE = """CREATE TABLE IF NOT EXISTS bench_floor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT now(), body bytea);
    ALTER TABLE bench_floor ALTER COLUMN body SET STORAGE EXTERNAL"""
own = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Store the body, answer 201 with its id."""
    if environ["REQUEST_METHOD"] != "POST":
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    if not hasattr(own, "link"):
        own.link = psycopg.connect(os.environ["BENCH_DSN"], autocommit=True)
        own.press = zstandard.ZstdCompressor(level=3)
    row = own.link.execute(
        "INSERT INTO bench_floor (body) VALUES (%s) RETURNING id", [own.press.compress(body)], binary=True
    ).fetchone()
    answer = b'{"id": %d}' % row[0]
    start_response("201 Created", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
