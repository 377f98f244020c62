"""What the live portal knows before the first ping: stages, each with a metric for its SMAU, and someone who asks.

Imported through the verbs of the commands, in a process that has the portal's Django.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

MILESTONE = "17.0"


def make_world(stages: Sequence[str]) -> str:
    """Stages with these keys; returns a token that may read the API."""
    from tests.builders import a_token, a_user

    define(stages)
    secret, _token = a_token(a_user("live-reader", "viewer"))
    return secret


def define(stages: Sequence[str], more: Sequence[str] = ()) -> None:
    """Stages with these keys, each with a metric for its SMAU, and a counter for each of the key paths ``more``."""
    from metrics.definitions.importing import import_definitions
    from stages.structure.reading import read_structure
    from stages.structure.sync import sync_structure

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {"sections": folder / "sections.yml", "stages": folder / "stages.yml"}
        files["sections"].write_text(yaml.safe_dump({"live": {"name": "Live"}}))
        files["stages"].write_text(yaml.safe_dump({"stages": {key: stage(key) for key in stages}}))
        sync_structure(structure=read_structure(**files), source="tests")
        defined = folder / "definitions.yml"
        wanted = [definition(people_in(key), group=f"{key}_group", indicators=["smau"]) for key in stages]
        wanted += [definition(key_path) for key_path in more]
        defined.write_text(yaml.safe_dump(wanted, sort_keys=False))
        report = import_definitions(path=defined)
        if report.refused:
            raise ValueError(f"definitions of the tests were refused: {report.refused}")


def people_in(stage: str) -> str:
    """The key path of the people in a stage."""
    return f"usage_activity_by_stage_monthly.{stage}.people"


def stage(key: str) -> dict[str, object]:
    """As in ``stages.yml``."""
    return {
        "display_name": key.capitalize(),
        "section": "live",
        "groups": {f"{key}_group": {"name": f"{key.capitalize()} group"}},
    }


def definition(key_path: str, *, group: str = "", indicators: Sequence[str] = ()) -> dict[str, object]:
    """As in a file of a definition."""
    return {
        "key_path": key_path,
        "description": f"What {key_path} counts",
        "product_group": group or None,
        "value_type": "number",
        "status": "active",
        "time_frame": "28d" if indicators else "all",
        "data_source": "database",
        "data_category": "operational" if indicators else "optional",
        "tiers": ["free", "premium", "ultimate"],
        "performance_indicator_type": list(indicators),
        "milestone": MILESTONE,
    }
