"""Unknown keys over the population: counted as sets with each batch, told apart into keys now and then.

A batch writes a row for each set, not for each of its thousands of keys. ``fold_unknown`` carries what has come since
into the keys; a set remembers how far it was carried, so that a count is neither lost nor made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from telemetry.models import UnknownKey
from telemetry.reading.classify import KeySet, Plan


def count_unknown(found: Iterable[tuple[int, Sequence[KeySet]]]) -> None:
    """Count the sets of these pings, each given by its id, inside the caller's transaction."""
    sets: dict[bytes, KeySet] = {}
    counts: dict[bytes, int] = {}
    examples: dict[bytes, int] = {}
    for ping_id, key_sets in found:
        for keys in key_sets:
            sets[keys.digest] = keys
            counts[keys.digest] = counts.get(keys.digest, 0) + 1
            examples[keys.digest] = ping_id
    digests = sorted(sets)
    if not digests:
        return
    now = timezone.now()
    with connection.cursor() as cursor:
        # In the order of their digests, as below and in folding, so that two writers do not deadlock.
        cursor.execute(
            """
            WITH kept AS MATERIALIZED (
                SELECT digest FROM telemetry_unknownkeyset WHERE digest = ANY(%s::bytea[]) ORDER BY digest FOR UPDATE
            )
            UPDATE telemetry_unknownkeyset s
               SET pings = s.pings + v.pings, last_seen_at = %s, example_id = v.example
              FROM kept JOIN unnest(%s::bytea[], %s::bigint[], %s::bigint[]) AS v(digest, pings, example) USING (digest)
             WHERE s.digest = kept.digest RETURNING s.digest
            """,
            [digests, now, digests, [counts[each] for each in digests], [examples[each] for each in digests]],
        )
        kept = {bytes(row[0]) for row in cursor.fetchall()}
        for digest in digests:
            if digest not in kept:
                keys = sets[digest]
                cursor.execute(
                    """
                    INSERT INTO telemetry_unknownkeyset AS s
                           (digest, key_paths, kinds, pings, folded, first_seen_at, last_seen_at, example_id)
                    VALUES (%s, %s, %s, %s, 0, %s, %s, %s)
                    ON CONFLICT (digest) DO UPDATE SET pings = s.pings + excluded.pings,
                           last_seen_at = excluded.last_seen_at, example_id = excluded.example_id
                    """,
                    [digest, list(keys.key_paths), list(keys.kinds), counts[digest], now, now, examples[digest]],
                )


def fold_unknown() -> int:
    """Carry what was counted by sets into the keys themselves; returns how many keys changed. Safe to run twice."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('telemetry_fold_unknown'))")
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT id, key_paths, kinds, pings - folded AS fresh, first_seen_at, last_seen_at, example_id
                  FROM telemetry_unknownkeyset WHERE folded < pings ORDER BY digest FOR UPDATE
            ), carried AS (
                UPDATE telemetry_unknownkeyset s SET folded = s.pings FROM due WHERE s.id = due.id
            ), each AS (
                SELECT k.key_path, k.kind, due.fresh, due.first_seen_at, due.last_seen_at, due.example_id
                  FROM due, unnest(due.key_paths, due.kinds) AS k(key_path, kind)
            )
            INSERT INTO telemetry_unknownkey AS u
                   (key_path, value_kind, pings, example_id, first_seen_at, last_seen_at, state)
            SELECT key_path, (array_agg(kind ORDER BY last_seen_at DESC, example_id DESC NULLS LAST))[1], sum(fresh),
                   max(example_id), min(first_seen_at), max(last_seen_at), 'open'
              FROM each GROUP BY key_path ORDER BY key_path
            ON CONFLICT (key_path) DO UPDATE SET pings = u.pings + excluded.pings, value_kind = excluded.value_kind,
                   last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at),
                   example_id = coalesce(excluded.example_id, u.example_id)
            """
        )
        return int(cursor.rowcount)


def forget_defined(key_paths: Iterable[str], plan: Plan) -> int:
    """Take keys off the list that have a definition now, and keys below one that stands on their object; returns how
    many. Those whose numbers must be filled back first stay until that is done."""
    defined = [definition for path in set(key_paths) if (definition := plan.by_key_path.get(path)) is not None]
    inner = [definition.key_path for definition in defined if definition.value_type == "object"]
    covered = Q(key_path__in=[definition.key_path for definition in defined if definition.slot is None])
    for path in inner:
        covered |= Q(key_path__startswith=path + ".")
    return UnknownKey.objects.filter(covered).delete()[0]


def is_unfolded() -> bool:
    """Whether sets were counted whose keys do not show it yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM telemetry_unknownkeyset WHERE folded < pings)")
        row = cursor.fetchone()
        return bool(row and row[0])
