"""``manage.py import_pings FILE_OR_DIR|-``: pings from files, read and recorded in this process."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.importing import Look, Looker, NoSuchInput, files_of, import_parts, read_parts
from telemetry.models import Ping
from telemetry.statement import Unavailable


class Command(BaseCommand):
    help = (
        "Import service pings from a file, a folder or standard input (-): JSON, NDJSON, gzip, zstd, zip. "
        "They are read and recorded before the command returns; run rollup afterwards, or leave it to the worker. "
        "Exit code 1 where a file could not be read or a ping was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="FILE_OR_DIR", help="file, folder, or - for standard input")
        parser.add_argument("--trusted", action="store_true", help="somebody vouches for them: no quarantine")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be stored, file by file")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        skipped: list[str] = []
        as_json: bool = options["json"]
        if options["dry_run"]:
            self.preview(options["paths"], as_json)
            return
        try:
            summary = import_parts(
                read_parts(self.sources(options["paths"], skipped)),
                trusted=options["trusted"],
                say=None if as_json else self.progress,
            )
        except NoSuchInput as error:
            raise CommandError(str(error)) from None
        except Unavailable as error:
            raise CommandError(f"{error} Run the command again: what is stored already is not stored twice.") from None
        refused = [result for result in summary.results if result.status == "refused"]
        differing = [result for result in summary.results if result.other_body]
        if as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "accepted": summary.count("accepted"),
                        "duplicates": summary.count("duplicate"),
                        "other_bodies": len(differing),
                        "refused": len(refused),
                        "read": summary.count_state(Ping.State.READ),
                        "quarantined": summary.count_state(Ping.State.QUARANTINED),
                        "failed": summary.count_state(Ping.State.FAILED),
                        "skipped_files": skipped,
                        "results": [
                            {
                                "name": result.name,
                                "status": result.status,
                                "id": result.ping_id,
                                "state": result.state or None,
                                "other_body": result.other_body,
                                "detail": result.sentence or None,
                            }
                            for result in summary.results
                        ],
                    },
                    ensure_ascii=False,
                )
            )
        else:
            self.stdout.write(
                f"{summary.count('accepted')} accepted ({summary.count_state(Ping.State.READ)} read, "
                f"{summary.count_state(Ping.State.QUARANTINED)} in quarantine, "
                f"{summary.count_state(Ping.State.FAILED)} failed), {summary.count('duplicate')} known already "
                f"({len(differing)} of them with other content), "
                f"{len(refused)} refused."
            )
            if skipped:
                self.stdout.write(f"{len(skipped)} other files were left out: {', '.join(skipped[:5])}.")
        for result in (*refused, *differing):
            self.stderr.write(f"{result.name}: {result.sentence}")
        if refused or summary.count_state(Ping.State.FAILED):
            sys.exit(1)

    def preview(self, paths: list[str], as_json: bool) -> None:
        """What would be stored; nothing is."""
        skipped: list[str] = []
        looker = Looker()
        try:
            looks = [looker.look(part, signed) for part, signed in read_parts(self.sources(paths, skipped))]
        except NoSuchInput as error:
            raise CommandError(str(error)) from None
        counts = Counter(look.status for look in looks)
        differing = sum(look.other_body for look in looks)
        if as_json:
            document = {
                "dry_run": True,
                "new": counts["new"],
                "duplicates": counts["duplicate"],
                "other_bodies": differing,
                "refused": counts["refused"],
                "skipped_files": skipped,
                "results": [self.told(look) for look in looks],
            }
            self.stdout.write(json.dumps(document, ensure_ascii=False))
        else:
            for look in looks:
                self.stdout.write(self.line(look))
            self.stdout.write(
                f"Nothing was stored. {counts['new']} would be, {counts['duplicate']} known already "
                f"({differing} of them with other content), {counts['refused']} would be refused."
            )
        if counts["refused"]:
            sys.exit(1)

    def told(self, look: Look) -> dict[str, Any]:
        """One ping of a preview, as JSON."""
        found: dict[str, Any] = {"name": look.name, "status": look.status, "detail": look.sentence or None}
        if look.prepared is not None:
            identity = look.prepared.identity
            found |= {
                "uuid": identity.uuid,
                "hostname": identity.hostname,
                "recorded_at": identity.recorded_at.isoformat(),
                "version": look.prepared.version,
                "size": look.prepared.size,
                "cut": list(look.prepared.cut),
                "signature": look.signature or None,
                "values_ok": look.values_ok,
                "issues": look.issues,
                "unknown_keys": look.unknown,
                "other_body": look.other_body,
            }
        return found

    def line(self, look: Look) -> str:
        """The same in a line."""
        if look.prepared is None:
            return f"{look.name}: refused. {look.sentence}"
        identity = look.prepared.identity
        return (
            f"{look.name}: {look.status}, {identity.hostname} at {identity.recorded_at:%Y-%m-%d %H:%M} UTC, "
            f"{look.values_ok:,} values ok, {look.issues:,} issues, {look.unknown:,} unknown keys"
            + (f", cut: {', '.join(look.prepared.cut)}" if look.prepared.cut else "")
            + (f". {look.sentence}" if look.sentence else "")
        )

    def sources(self, paths: list[str], skipped: list[str]) -> Iterator[tuple[str, bytes]]:
        """Name and content of each file; a path that is not there ends the command before anything is stored."""
        found: list[tuple[str, Path | None]] = []
        for path in paths:
            if path == "-":
                found.append(("standard input", None))
            else:
                found.extend(files_of(Path(path), skipped))
        return self.contents(found)

    def contents(self, found: list[tuple[str, Path | None]]) -> Iterator[tuple[str, bytes]]:
        """The files one after the other, so that only one is in memory."""
        for name, file in found:
            try:
                yield name, sys.stdin.buffer.read() if file is None else file.read_bytes()
            except OSError as error:
                raise NoSuchInput(f"{name} cannot be read: {error.strerror}.") from None

    def progress(self, done: int) -> None:
        """A line now and then, for long imports."""
        if done % 1000 == 0:
            self.stdout.write(f"{done:,} pings …")
            self.stdout.flush()
