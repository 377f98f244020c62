"""The demo's files: our own invention, in the formats of the real ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

import metrics.demo
import stages.demo
import telemetry.demo
from telemetry.demo.catalogue import COUNTERS, PAID_SAAS, UNDEFINED

CATALOG = Path(stages.demo.__file__).parent / "data"
DICTIONARY = Path(metrics.demo.__file__).parent / "data"
TELEMETRY = Path(telemetry.demo.__file__).parent

PERSON = re.compile(r"^\w[\w'’.-]+( (van|de|der|von|of|al))?( \w[\w'’.-]+)+$")
PEOPLE_KEYS = {
    "pm", "pmm", "pdm", "em", "cm", "ux", "uxr", "qm", "sm", "rem", "sets", "support", "tech_writer", "appsec_engineer",
    "backend_engineering_manager", "frontend_engineering_manager", "fullstack_managers", "product_sponsor", "dri",
}  # fmt: skip


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def people(node: Any) -> set[str]:
    """Everybody named under a person's key, at any depth."""
    found: set[str] = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key in PEOPLE_KEYS and value:
                names = value if isinstance(value, list) else [value]
                found |= {str(name) for name in names if PERSON.match(str(name))}
            found |= people(value)
    elif isinstance(node, list):
        for each in node:
            found |= people(each)
    return found


def definitions() -> list[dict[str, Any]]:
    return [load(path) for path in sorted((DICTIONARY / "definitions").rglob("*.yml"))]


def expanded() -> dict[str, dict[str, Any]]:
    suffix = {"7d": "_weekly", "28d": "_monthly", "all": ""}
    paths = {}
    for definition in definitions():
        frames = definition["time_frame"]
        for frame in frames if isinstance(frames, list) else [None]:
            paths[definition["key_path"] + (suffix[frame] if frame else "")] = definition
    return paths


def all_text() -> str:
    files = [*CATALOG.rglob("*.*"), *DICTIONARY.rglob("*.yml"), *TELEMETRY.rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())


def test_the_structure_has_the_promised_size() -> None:
    stages_ = load(CATALOG / "stages.yml")["stages"]
    assert len(load(CATALOG / "sections.yml")) == 4
    assert len(stages_) == 10
    assert sum(len(stage["groups"]) for stage in stages_.values()) == 25
    assert len(load(CATALOG / "categories.yml")) >= 50


def test_every_counter_of_the_population_is_defined_or_undefined_on_purpose() -> None:
    defined = expanded()
    assert {c.path for c in COUNTERS} <= set(defined)
    assert not {c.path for c in UNDEFINED} & set(defined)
    assert {path for path, _ in PAID_SAAS} <= set(defined)


def test_every_number_in_the_dictionary_is_counted_by_somebody() -> None:
    counted = {c.path for c in COUNTERS} | {"usage_activity_by_stage_monthly.check.pipeline_success_rate"}
    numbers = {p for p, d in expanded().items() if d["value_type"] == "number" and d["data_category"] != "subscription"}
    assert numbers == counted


def test_what_a_counter_needs_agrees_with_its_definition() -> None:
    defined = expanded()
    for counter in COUNTERS:
        definition = defined[counter.path]
        assert counter.optional == (definition["data_category"] == "optional"), counter.path
        expected = ["ultimate"] if counter.ultimate_only else ["premium", "ultimate"] if counter.paid_only else None
        assert expected is None or definition["tiers"] == expected, counter.path
        milestone = definition["milestone"].removeprefix("<")
        major, minor = (int(part) for part in milestone.split("."))
        assert counter.since == 0 or counter.since == major * 12 + minor, counter.path


def test_the_dictionary_has_its_stories() -> None:
    typed: dict[tuple[str, str], list[str]] = {}
    for definition in definitions():
        group = (
            definition["product_group"]
            .removeprefix("group::")
            .replace(" ", "_")
            .replace("build_agents", "build-agents")
        )
        for kind in definition.get("performance_indicator_type", []):
            typed.setdefault((kind, group), []).append(definition["key_path"])
    stages_ = load(CATALOG / "stages.yml")["stages"]
    groups = {group: stage for stage, values in stages_.items() for group in values["groups"]}
    assert {group for _, group in typed} <= set(groups), "each typed metric belongs to a group"
    assert [key for key, paths in typed.items() if len(paths) > 1] == [("gmau", "flags")], "one conflict"
    with_smau = {groups[group] for kind, group in typed if kind == "smau"}
    assert set(stages_) - with_smau == {"comply"}, "one stage without a typed metric"
    assert len([kind for kind, _ in typed if kind == "umau"]) == 1
    broken = [d for d in definitions() if d["status"] == "broken"]
    assert broken
    assert all(d["repair_issue_url"] for d in broken)
    assert [d["key_path"] for d in definitions() if d["status"] == "removed"] == ["counts.webhooks_sent_by_old_sender"]


def test_nobody_and_nothing_of_the_real_data_is_in_ours(shared_data: Path) -> None:
    real_people: set[str] = set()
    for name in ("sections.yml", "stages.yml", "categories.yml"):
        real_people |= people(load(shared_data / "handbook" / name))
    assert len(real_people) > 100
    ours = all_text()
    assert not [name for name in real_people if name in ours]
    real_text = "\n".join((shared_data / "handbook" / name).read_text() for name in ("crash_course.md", "stages.yml"))
    real_hosts = set(re.findall(r"https?://([\w.-]+)", real_text))
    assert len(real_hosts) > 5
    our_hosts = set(re.findall(r"https?://([\w.-]+)", ours))
    assert not our_hosts & real_hosts
    assert all(host.endswith(".example") for host in our_hosts), our_hosts
    assert "gitlab" not in ours.lower()


def test_our_people_are_more_than_a_handful() -> None:
    assert len(people(load(CATALOG / "stages.yml"))) >= 35
