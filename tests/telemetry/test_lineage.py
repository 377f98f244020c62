"""From a figure down to the key of the raw ping that it was counted from."""

from __future__ import annotations

import json
import re
from html import unescape
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from tests.metrics.builders import definition, import_all

KEY = "usage_activity.people_reviewing"


@pytest.mark.django_db
def test_a_passport_leads_to_the_value_in_the_raw_ping(tmp_path: Path, viewer_client: Client) -> None:
    import_all(tmp_path, definition(KEY))
    for uuid, value in (("u-1", 41), ("u-2", -1)):
        ping = {
            "uuid": uuid,
            "hostname": "a.example.org",
            "version": "16.4.1",
            "recorded_at": "2026-09-20T10:00:00Z",
            "usage_activity": {"people_reviewing": value, "people_pushing": 7},
        }
        file = tmp_path / f"{uuid}.json"
        file.write_text(json.dumps(ping))
        call_command("import_pings", str(file), trusted=True, stdout=StringIO())
    call_command("rollup", stdout=StringIO())
    for tab, shown in (("counted", "41"), ("left-out", "-1")):
        page = viewer_client.get(f"/figures/metric.{KEY}.2026-09/?tab={tab}").content.decode()
        [address] = re.findall(r'href="(/telemetry/pings/\d+/\?leaf=[^"#]*)#body"', page)
        text = viewer_client.get(unescape(address)).content.decode()
        assert "people_reviewing" in text
        assert shown in text
        assert "people_pushing" not in text, "only the value that the figure is made of"
