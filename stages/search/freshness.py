"""Which parts of the catalog changed since a moment, so that only those are read anew.

One cheap query tells whether anything may have changed; only then a second asks for the state of each part.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from stages.search.documents import documents
from stages.search.words import Index, Unit

EVENTS = ("block", "placement", "resource", "stage", "group", "category", "section", "startingpoint", "pagetext")
# Of these the history tells what was made and changed, but not what was deleted; they are few enough to be counted.
COUNTED = ("block", "stage", "group", "category", "section")
_NUMBERS = ", ".join(
    [f"(SELECT max(pgh_id) FROM stages_{name}event)" for name in EVENTS]
    + [f"(SELECT count(*) FROM stages_{name})" for name in COUNTED]
)
_TABLES = ", ".join(f"'stages_{name}event'::regclass" for name in EVENTS)
# Of the transactions that the snapshot saw at work, those count that have written events or have ended since. Both are
# told by one look at the locks, which lists a transaction's tables before its own number, so none slips through.
STAMP = f"""
WITH held AS MATERIALIZED (SELECT * FROM pg_locks)
SELECT current_database(), ARRAY[{_NUMBERS}],
       ARRAY(
           SELECT xid::text FROM pg_snapshot_xip(pg_current_snapshot()) AS xid WHERE NOT EXISTS (
               SELECT FROM held own WHERE own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock'
               AND own.granted AND own.transactionid = xid::xid AND NOT EXISTS (
                   SELECT FROM held writing WHERE writing.pid = own.pid AND writing.relation IN ({_TABLES})
                   AND writing.database = (SELECT oid FROM pg_database WHERE datname = current_database()))))
"""
# A version of a row is known by its place and by the transaction that wrote it.
_DIGEST = "count({0}.id), sum(hashtidextended({0}.ctid, {0}.xmin::text::bigint))"
BLOCK_DIGESTS = f"""
SELECT b.id, ARRAY[b.ctid::text, b.xmin::text, s.ctid::text, s.xmin::text, p.digest]
FROM stages_block b JOIN stages_stage s ON s.id = b.stage_id
LEFT JOIN (
    SELECT p.block_id, concat_ws(' ', {_DIGEST.format("p")}, {_DIGEST.format("r")}) AS digest
    FROM stages_placement p JOIN stages_resource r ON r.id = p.resource_id GROUP BY p.block_id
) p ON p.block_id = b.id
"""
OTHER_DIGESTS = " UNION ALL ".join(
    f"SELECT '{unit}', '{table}', concat_ws(' ', {_DIGEST.format('t')}) FROM stages_{table} t"
    for unit, tables in {
        "structure": ("section", "stage", "group", "category"),
        "page": ("startingpoint", "pagetext"),
    }.items()
    for table in tables
)


@dataclass(frozen=True)
class Stamp:
    """What the catalog's history says of a moment, and which transactions were still writing it then.

    An event gets its number when it is written and is seen when its transaction ends, so a number that is lower than
    the highest may still come; it can only come from a transaction that was at work.
    """

    database: str
    events: tuple[int | None, ...]
    running: frozenset[str]

    @classmethod
    def now(cls) -> Stamp:
        """The stamp of this moment, in one query."""
        with connection.cursor() as cursor:
            cursor.execute(STAMP)
            database, events, running = cursor.fetchone() or ("", (), ())
        return cls(database, tuple(events), frozenset(running))

    def still(self, now: Stamp) -> bool:
        """Whether nothing can have come since."""
        return self.events == now.events and self.running <= now.running


@dataclass(frozen=True)
class Kept:
    """The index of a moment, and of which state each unit was in it."""

    stamp: Stamp
    digests: Mapping[Unit, tuple[object, ...]]
    index: Index


_lock = threading.Lock()
_kept: Kept | None = None


def index() -> Index:
    """The index of now. What did not change since the last time is taken from there."""
    global _kept
    stamp = Stamp.now()
    kept = _kept
    if kept is None or kept.stamp.database != stamp.database or not kept.stamp.still(stamp):
        with _lock:
            kept = _kept = brought_up(_kept, stamp)
    return kept.index


def brought_up(kept: Kept | None, stamp: Stamp) -> Kept:
    """What is kept, with what changed until the stamp."""
    if kept is None or kept.stamp.database != stamp.database:
        kept = Kept(stamp, {}, Index.empty())
    digests = digests_of_now()
    changed = [unit for unit, digest in digests.items() if kept.digests.get(unit) != digest]
    gone = kept.digests.keys() - digests.keys()
    known = kept.index.updated(documents(changed), gone) if changed or gone else kept.index
    return Kept(stamp, digests, known)


def digests_of_now() -> dict[Unit, tuple[object, ...]]:
    """The state of each unit, by the versions of its rows in the database."""
    found: dict[Unit, tuple[object, ...]] = {}
    with connection.cursor() as cursor:
        cursor.execute(BLOCK_DIGESTS)
        found.update((block, tuple(digest)) for block, digest in cursor.fetchall())
        cursor.execute(OTHER_DIGESTS)
        for unit, table, digest in cursor.fetchall():
            found[unit] = (*found.get(unit, ()), table, digest)
    return found
