"""Which parts of the catalog changed since a moment, so that only those are read anew.

One cheap query tells whether anything may have changed; only then a second asks the history what did.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from stages.search.documents import documents
from stages.search.words import Index, Unit

BLOCKS = ("block", "placement", "resource", "stage")
STRUCTURE = ("stage", "group", "category", "section")
PAGE = ("startingpoint", "pagetext")
EVENTS = tuple(dict.fromkeys((*BLOCKS, *STRUCTURE, *PAGE)))
# Of these the history tells what was made and changed, but not what was deleted. They are few enough to be counted;
# which blocks there are is asked anyway.
COUNTED = ("block", *STRUCTURE)
_TABLES = ", ".join(f"'stages_{name}event'::regclass" for name in EVENTS)
# Of the transactions that the snapshot saw at work, those count that have written events or have ended since. Both are
# told by one look at the locks, which lists a transaction's tables before its own number, so none slips through.
# The files of the tables change where somebody puts other rows in place of all of them, as a restored backup does.
STAMP = f"""
WITH held AS MATERIALIZED (SELECT * FROM pg_locks)
SELECT ARRAY[current_database()::text, {", ".join(f"pg_relation_filenode('stages_{name}')::text" for name in EVENTS)}],
       ARRAY[{", ".join(f"(SELECT max(pgh_id) FROM stages_{name}event)" for name in EVENTS)}],
       ARRAY[{", ".join(f"(SELECT count(*) FROM stages_{name})" for name in COUNTED)}],
       ARRAY(
           SELECT xid::text FROM pg_snapshot_xip(pg_current_snapshot()) AS xid WHERE NOT EXISTS (
               SELECT FROM held own WHERE own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock'
               AND own.granted AND own.transactionid = xid::xid AND NOT EXISTS (
                   SELECT FROM held writing WHERE writing.pid = own.pid AND writing.relation IN ({_TABLES})
                   AND writing.database = (SELECT oid FROM pg_database WHERE datname = current_database())))),
       pg_current_xact_id_if_assigned() IS NOT NULL
"""
# A placement that went to another block is missed in the one where it was: its earlier events name that.
CHANGED = """
WITH placed AS (SELECT DISTINCT pgh_obj_id AS id FROM stages_placementevent WHERE pgh_id > %(placement)s)
SELECT ARRAY(SELECT id FROM stages_block),
       ARRAY(
           SELECT pgh_obj_id FROM stages_blockevent WHERE pgh_id > %(block)s
           UNION SELECT e.block_id FROM stages_placementevent e JOIN placed ON e.pgh_obj_id = placed.id
           UNION SELECT p.block_id FROM stages_placement p JOIN stages_resourceevent e ON e.pgh_obj_id = p.resource_id
                 WHERE e.pgh_id > %(resource)s
           UNION SELECT b.id FROM stages_block b JOIN stages_stageevent e ON e.pgh_obj_id = b.stage_id
                 WHERE e.pgh_id > %(stage)s)
"""


@dataclass(frozen=True)
class Stamp:
    """What the catalog's history says of a moment, and which transactions were still writing it then.

    An event gets its number when it is written and is seen when its transaction ends, so a number that is lower than
    the highest may still come; it can only come from a transaction that was at work.
    """

    tables: tuple[str, ...]
    events: tuple[int, ...]
    counts: tuple[int, ...]
    running: frozenset[str]
    own: bool
    """Whether this very transaction has written something, which may yet be taken back."""

    @classmethod
    def now(cls) -> Stamp:
        """The stamp of this moment, in one query."""
        with connection.cursor() as cursor:
            cursor.execute(STAMP)
            tables, events, counts, running, own = cursor.fetchone() or ((), (), (), (), False)
        return cls(tuple(tables), tuple(one or 0 for one in events), tuple(counts), frozenset(running), own)

    @property
    def is_quiet(self) -> bool:
        """Whether every event up to the highest is seen: all that is still to come has a higher number."""
        return not self.running and not self.own

    def still(self, now: Stamp) -> bool:
        """Whether nothing can have come since."""
        same = (self.tables, self.events, self.counts) == (now.tables, now.events, now.counts)
        return same and not now.own and self.running <= now.running

    def leads_to(self, now: Stamp) -> bool:
        """Whether the history since tells all: the same tables, of which none went back."""
        return self.tables == now.tables and all(map(int.__le__, self.events, now.events))


@dataclass(frozen=True)
class Kept:
    """The index of a moment. ``quiet`` is the last one before it that no transaction was at work in."""

    stamp: Stamp
    quiet: Stamp | None
    index: Index


_lock = threading.Lock()
_kept: Kept | None = None


def index() -> Index:
    """The index of now. What did not change since the last time is taken from there."""
    global _kept
    stamp, kept = Stamp.now(), _kept
    if kept is not None and kept.stamp.still(stamp):
        return kept.index
    if stamp.own:
        # What this transaction wrote is found by itself, and by nobody else before it has ended.
        return brought_up(kept, stamp).index
    with _lock:
        if _kept is not kept:
            # Another thread was quicker, and what it kept may be of a later moment.
            stamp = Stamp.now()
        if _kept is None or not _kept.stamp.still(stamp):
            _kept = brought_up(_kept, stamp)
        return _kept.index


def brought_up(kept: Kept | None, stamp: Stamp) -> Kept:
    """What is kept, with what changed until the stamp; all of it read anew where the history cannot tell what did."""
    if kept is None or kept.quiet is None or not kept.quiet.leads_to(stamp) or not kept.stamp.leads_to(stamp):
        known = Index.empty().updated(documents(["structure", "page", *blocks_of_now()]))
        return Kept(stamp, stamp if stamp.is_quiet else None, known)
    changed, gone = changed_since(kept.quiet, kept.stamp, stamp, kept.index.units)
    known = kept.index.updated(documents(changed), gone) if changed or gone else kept.index
    return Kept(stamp, stamp if stamp.is_quiet else kept.quiet, known)


def changed_since(quiet: Stamp, before: Stamp, now: Stamp, known: Iterable[Unit]) -> tuple[list[Unit], frozenset[Unit]]:
    """The units that changed since a quiet moment, or may have, and those of the known ones that are gone."""
    moved = {name for name, old, new in zip(EVENTS, quiet.events, now.events, strict=True) if new > old}
    counted = {name for name, old, new in zip(COUNTED, before.counts, now.counts, strict=True) if new != old}
    changed: list[Unit] = []
    if (moved | counted) & {*STRUCTURE}:
        changed.append("structure")
    if moved & {*PAGE}:
        changed.append("page")
    if not (moved | counted) & {*BLOCKS}:
        return changed, frozenset()
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, dict(zip(EVENTS, quiet.events, strict=True)))
        there, touched = cursor.fetchone() or ((), ())
    present = frozenset(there)
    gone = frozenset(unit for unit in known if isinstance(unit, int) and unit not in present)
    return [*changed, *(block for block in touched if block in present)], gone


def blocks_of_now() -> list[int]:
    """All blocks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM stages_block")
        return [number for (number,) in cursor.fetchall()]
