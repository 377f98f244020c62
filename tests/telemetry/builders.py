"""Pings and small dictionaries for tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from metrics.definitions.catalogue import raise_version
from metrics.models import MetricDefinition
from telemetry.accepting import accept, prepare
from telemetry.models import Ping

CREATE = "usage_activity_by_stage_monthly.create.action_monthly_active_users_project_repo"
NOW = datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)


def a_metric(key_path: str, *, slot: int | None = None, **fields: Any) -> MetricDefinition:
    """A numeric 28-day metric unless told otherwise."""
    values: dict[str, Any] = {
        "description": f"What {key_path} counts",
        "value_type": "number",
        "status": "active",
        "time_frame": "28d",
        "data_source": "database",
        "data_category": "optional",
        "performance_indicator_type": [],
        "slot": slot,
    }
    definition = MetricDefinition.objects.create(key_path=key_path, **{**values, **fields})
    raise_version()
    return definition


def an_indicator(key_path: str = CREATE, slot: int = 2) -> MetricDefinition:
    """The metric of Create's monthly active users."""
    return a_metric(key_path, slot=slot, performance_indicator_type=["smau", "gmau", "paid_gmau"])


def a_payload(**values: Any) -> dict[str, Any]:
    """A small ping; ``users`` sets Create's active users."""
    users = values.pop("users", 120)
    payload: dict[str, Any] = {
        "uuid": "d9e2f4e8-db1f-4e51-b03d-f427e1965c4a",
        "hostname": "git.example.com",
        "recorded_at": NOW.isoformat(),
        "version": "17.5.1",
        "edition": "EEU",
        "license_plan": "ultimate",
        "active_user_count": 300,
        "license_user_count": 400,
        "usage_activity_by_stage_monthly": {"create": {"action_monthly_active_users_project_repo": users}},
    }
    return {**payload, **values}


def a_body(**values: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(a_payload(**values)).encode()


def a_ping(**values: Any) -> Ping:
    """A ping that was accepted just now; ``received_at``, ``trusted``, ``channel`` go to ``accept``."""
    options = {name: values.pop(name) for name in ("received_at", "trusted", "channel", "proof") if name in values}
    options.setdefault("channel", "http")
    options.setdefault("received_at", NOW)
    return Ping.objects.get(pk=accept(prepare(a_body(**values)), hint=False, **options).ping_id)
