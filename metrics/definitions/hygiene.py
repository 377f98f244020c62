"""Hygiene: what is untidy about a definition. A finding is a warning with a sentence, never a reason to refuse."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from metrics.definitions.parsing import INDICATORS, OLD_FIELDS, ParsedDefinition

SCHEMA = Path(__file__).with_name("metric_definition.schema.json")

TITLES: Mapping[str, str] = {
    "missing_description": "No description",
    "missing_product_group": "No product group",
    "missing_milestone": "No milestone",
    "missing_introduced_by_url": "No link to where it was introduced",
    "missing_tiers": "No tiers",
    "missing_data_source": "No data source",
    "missing_data_category": "No data category",
    "missing_repair_issue_url": "Broken without a repair issue",
    "missing_milestone_removed": "Removed without a milestone",
    "missing_value_json_schema": "Object without a schema",
    "missing_events": "Internal events without events",
    "bad_field": "A field is not in its form",
    "old_format": "Written in the old format",
    "old_status": "A status that is no longer used",
    "indicator_no_number": "Indicator that is not a number",
    "indicator_not_monthly": "Indicator with another window than 28 days",
    "reading_note": "Read with forgiveness",
    "no_group": "Its group is not in the catalog",
    "conflict": "Two metrics for one figure",
    "unmapped_indicator": "Typed as an indicator of a group that is not in the catalog",
    "removed_but_arriving": "Removed, but still arriving",
    "never_seen": "Active, but in no report of the last three months",
    "override": "Approved here, different in the file",
    "unknown_event": "Counts an event that the dictionary does not know",
}
"""Every kind of finding with its heading. The last ones depend on more than the file and are found when looked at."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding: its kind, the field it is about (if any), and a sentence."""

    code: str
    sentence: str
    key: str = ""

    @property
    def title(self) -> str:
        """The heading of its kind."""
        return TITLES.get(self.code, self.code)

    def as_json(self) -> dict[str, str]:
        """The finding as it is stored with the definition."""
        return {"code": self.code, "key": self.key, "sentence": self.sentence}


def stored(findings: Iterable[Mapping[str, str]]) -> list[Finding]:
    """Findings as they were stored."""
    return [Finding(code=one["code"], key=one.get("key", ""), sentence=one["sentence"]) for one in findings]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def findings_of(parsed: ParsedDefinition) -> list[Finding]:
    """All that can be said of a definition from its file alone, in a steady order."""
    values = parsed.values
    found = [_from_schema(error) for error in _validator().iter_errors(_plain(parsed.key_path, values))]
    if OLD_FIELDS & parsed.raw.keys():
        old = ", ".join(sorted(OLD_FIELDS & parsed.raw.keys()))
        found.append(Finding(code="old_format", sentence=f"Fields of the 2021 format: {old}."))
    kinds = [kind for kind in INDICATORS if kind in values["performance_indicator_type"]]
    if kinds and values["value_type"] != "number":
        found.append(
            Finding(
                code="indicator_no_number",
                key="performance_indicator_type",
                sentence=f"Typed {', '.join(kinds)} but declared {values['value_type']}: it cannot become a figure.",
            )
        )
    elif kinds and values["time_frame"] != "28d" and not isinstance(parsed.raw.get("time_frame"), list):
        found.append(
            Finding(
                code="indicator_not_monthly",
                key="time_frame",
                sentence=f"Typed {', '.join(kinds)} with the time frame {values['time_frame']}; it should be 28d.",
            )
        )
    found += [Finding(code="reading_note", sentence=note[:1].upper() + note[1:] + ".") for note in parsed.notes]
    return sorted(set(found), key=lambda finding: (finding.code, finding.key, finding.sentence))


def _plain(key_path: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The definition as a document of the present format, without what is empty."""
    document = {key: value for key, value in values.items() if value not in ("", [], {}, None)}
    return document | {"key_path": key_path}


def _from_schema(error: ValidationError) -> Finding:
    key = str(error.absolute_path[0]) if error.absolute_path else ""
    wanted: Any = error.validator_value
    if error.validator == "required":
        # The error names the missing field in its sentence only: "'milestone' is a required property".
        name = error.message.split("'")[1]
        if key:
            return Finding(code="bad_field", key=key, sentence=f"{key} has an item without {name}.")
        code = f"missing_{name}"
        return Finding(code=code, key=name, sentence=_MISSING.get(code, f"{name} is missing."))
    if key == "status":
        return Finding(code="old_status", key=key, sentence=f"The status {error.instance} is of the old format.")
    if error.validator == "enum":
        allowed = ", ".join(map(str, wanted))
        return Finding(
            code="bad_field", key=key, sentence=f"{key} holds {error.instance!r}; expected one of {allowed}."
        )
    return Finding(code="bad_field", key=key, sentence=f"{key} holds {error.instance!r}: {_expected(error)}.")


_MISSING = {
    "missing_repair_issue_url": "The metric is broken and no issue to repair it is named.",
    "missing_milestone_removed": "The metric is removed; since which milestone is not said.",
    "missing_value_json_schema": "The value is an object and no schema describes it.",
    "missing_events": "It counts internal events and names none.",
}


def _expected(error: ValidationError) -> str:
    if error.validator == "pattern":
        return "expected a link" if "http" in str(error.validator_value) else "expected a version such as 16.2"
    return error.message
