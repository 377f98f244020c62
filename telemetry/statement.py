"""The one statement by which a ping is accepted, asked of PostgreSQL as directly as can be.

It is prepared once per connection and then sent by libpq's own call: one wait outside Python's lock. A cursor comes
back to Python some ten times for the same statement, which under load costs as much as checking the whole body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast
from weakref import WeakSet

import psycopg
from django.db import connection
from psycopg import pq


class Unavailable(Exception):
    """The database cannot take it now; nothing is stored and the sender should come again."""


class Acceptance(NamedTuple):
    """What the function ``telemetry_accept`` wants to know, in its order."""

    uuid: str
    hostname: str
    recorded_at: datetime
    received_at: datetime
    channel: str
    sha256: bytes
    size: int
    body: bytes
    cut: tuple[str, ...]
    address: str
    version: str
    edition: str
    trusted: bool
    proof: str
    key: bytes | None
    keyed_anonymous: str


_NAME = b"telemetry_accept"
_STATEMENT = (
    b"SELECT verdict, ping_id FROM telemetry_accept($1::text, $2::text, $3::timestamptz, $4::timestamptz, $5::text,"
    b" $6::bytea, $7::int, $8::bytea, $9::text[], $10::text, $11::text, $12::text, $13::boolean, $14::text, $15::bytea,"
    b" $16::text)"
)
_FORMATS = [pq.Format.BINARY if name in {"sha256", "body", "key"} else pq.Format.TEXT for name in Acceptance._fields]
_prepared: WeakSet[psycopg.Connection[Any]] = WeakSet()


def ask(acceptance: Acceptance) -> tuple[str, int]:
    """The verdict and the ping's id. A connection that has died is replaced once. Raises ``Unavailable``."""
    for last in (False, True):
        within_transaction = connection.in_atomic_block
        try:
            return execute(acceptance)
        except (psycopg.OperationalError, psycopg.errors.InvalidSqlStatementName) as error:
            # Safe to send again: whatever the first attempt did, the identity makes the second one a duplicate.
            if within_transaction or last or not (_gone() or _forgotten(error)):
                raise Unavailable(_cause(error)) from error
            connection.close()
        except psycopg.Error as error:
            raise Unavailable(_cause(error)) from error
        except Exception as error:
            # Django's own wrapper of a connection that could not be made.
            if type(error).__module__.startswith("django.db"):
                raise Unavailable(_cause(error)) from error
            raise
    raise AssertionError("unreachable")


def execute(acceptance: Acceptance) -> tuple[str, int]:
    """Ask once, on Django's connection; errors are psycopg's."""
    connection.ensure_connection()
    link: psycopg.Connection[Any] = connection.connection
    low = link.pgconn
    if not link.autocommit and low.transaction_status == pq.TransactionStatus.IDLE:
        link.execute("SELECT")  # psycopg begins the transaction that Django wants before the first statement
    if link not in _prepared:
        _checked(link, low.prepare(_NAME, _STATEMENT), pq.ExecStatus.COMMAND_OK)
        _prepared.add(link)
    # psycopg's annotation forgets that a parameter may be null.
    written = cast("list[bytes]", _written(acceptance))
    result = low.exec_prepared(_NAME, written, _FORMATS, pq.Format.BINARY)
    _checked(link, result, pq.ExecStatus.TUPLES_OK)
    verdict, ping_id = result.get_value(0, 0), result.get_value(0, 1)
    return (verdict or b"").decode(), int.from_bytes(ping_id or b"", "big")


def _written(acceptance: Acceptance) -> list[bytes | None]:
    """The parameters as PostgreSQL reads them."""
    return [
        acceptance.uuid.encode(),
        acceptance.hostname.encode(),
        acceptance.recorded_at.isoformat().encode(),
        acceptance.received_at.isoformat().encode(),
        acceptance.channel.encode(),
        acceptance.sha256,
        b"%d" % acceptance.size,
        acceptance.body,
        _array(acceptance.cut),
        acceptance.address.encode(),
        acceptance.version.encode(),
        acceptance.edition.encode(),
        b"t" if acceptance.trusted else b"f",
        acceptance.proof.encode(),
        acceptance.key,
        acceptance.keyed_anonymous.encode(),
    ]


def _array(texts: tuple[str, ...]) -> bytes:
    quoted = ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts]
    return ("{" + ",".join(quoted) + "}").encode()


def _checked(link: psycopg.Connection[Any], result: pq.abc.PGresult, wanted: int) -> None:
    if result.status == wanted:
        return
    error = psycopg.errors.error_from_result(result)
    if link.broken and not isinstance(error, psycopg.OperationalError):
        raise psycopg.OperationalError(str(error)) from error
    raise error


def _gone() -> bool:
    """Whether the connection itself has died, as after a restart of the server."""
    return connection.connection is None or connection.connection.closed or connection.connection.broken


def _forgotten(error: Exception) -> bool:
    """Whether the session does not know the statement any more, as where somebody deallocates or shares sessions."""
    return isinstance(error, psycopg.errors.InvalidSqlStatementName)


def _cause(error: Exception) -> str:
    if isinstance(error, psycopg.errors.DiskFull):
        return "The disk of the database is full; nothing was stored."
    return "The database cannot be reached or refuses work; nothing was stored."
