"""An unknown key becomes a metric: its definition goes into the dictionary by the dictionary's own import."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from metrics.definitions.importing import gather, record_definitions
from portal.models import User
from telemetry.models import UnknownKey

LONGEST = 20_000


class DefinitionRefused(ValueError):
    """The text defines something else, or nothing; the message says what is wrong with it."""


def define_key(*, key: UnknownKey, text: str, actor: User) -> None:
    """Add the definition of this key, and of nothing else, to the dictionary; stored pings are then filled back."""
    if len(text) > LONGEST:
        raise DefinitionRefused(f"A definition has at most {LONGEST:,} characters.")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "definition.yml"
        file.write_text(text, encoding="utf-8", errors="replace")
        gathered = gather(file)
    if gathered.refused:
        raise DefinitionRefused("; ".join(str(fault) for fault in gathered.refused))
    paths = {parsed.key_path for parsed in gathered.definitions}
    if paths != {key.key_path} or gathered.events:
        raise DefinitionRefused(
            f"The text defines {', '.join(sorted(paths)) or 'no metric'}; here it has to be {key.key_path} alone."
        )
    record_definitions(gathered=gathered, actor=actor)
