"""Exports that are no ping are refused by name; a bad leaf is no wrong file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry.reading.exports import NotAPing, refuse_exports


@pytest.mark.parametrize(
    ("name", "words"),
    [("queries_13.11.0-pre_docs", "SQL export"), ("non_sql_metrics_13.11.0-pre_docs", "non-SQL export")],
)
def test_the_exports_of_the_documentation_are_named(shared_data: Any, name: str, words: str) -> None:
    root = json.loads((shared_data / f"service_ping/payloads/{name}.json").read_text())
    with pytest.raises(NotAPing, match=words):
        refuse_exports(root)


@pytest.mark.parametrize("name", ["service_ping_12.10.0-pre_docs_current", "usage_ping_12.10.0-pre_docs_2020"])
def test_real_pings_pass(shared_data: Any, name: str) -> None:
    refuse_exports(json.loads((shared_data / f"service_ping/payloads/{name}.json").read_text()))


def test_one_stray_query_or_placeholder_is_a_bad_leaf() -> None:
    refuse_exports({"active_user_count": 5, "counts": {"a": "SELECT 1", "b": 2, "c": 3}})
    refuse_exports({"active_user_count": -3, "counts": {"a": -3, "b": 2, "c": 3}})


def test_redis_blocks_are_queries() -> None:
    with pytest.raises(NotAPing, match="SQL export"):
        refuse_exports({"counts": {"a": {"redis_usage_data_block": "x"}, "b": "SELECT 1"}})
