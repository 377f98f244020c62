"""The JSON that command line and API share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any


def document(rows: Sequence[dict[str, Any]], *, following: str | None = None) -> dict[str, Any]:
    """A list of rows as the API writes lists."""
    return {"count": len(rows), "next": following, "previous": None, "results": list(rows)}


def dumps(value: Any) -> str:
    """JSON text with integers of any size (orjson stops at 64 bits)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_moment(value: datetime) -> str:
    """A moment as the API writes it, in UTC."""
    return value.isoformat().replace("+00:00", "Z")
