"""A package of someone else shows up everywhere it should, and leaves no trace when it is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest


def text(portal: Any, url: str) -> str:
    found = portal["pages"][url]
    assert found["status"] == 200, f"{url}: {found['status']}\n{found['text'][:2000]}"
    return str(found["text"])


def test_it_is_loaded_without_a_problem(installed: Any) -> None:
    assert "rota" in installed["plugins"]
    assert installed["checks"] == []


def test_it_has_its_line_in_the_navigation_of_every_page(installed: Any) -> None:
    assert 'href="/rota/">Rota</a>' in text(installed, "/plugins/")


def test_it_has_its_page(installed: Any) -> None:
    assert '<a href="/stages/reading/">reading</a>: reader' in text(installed, "/rota/")


def test_its_panel_stands_on_the_stage_page(installed: Any) -> None:
    page = text(installed, "/stages/reading/")
    assert "On duty until" in page
    assert 'id="panel-rota-on-duty-title">On duty</h2>' in page


def test_its_route_is_in_the_api_and_its_root(installed: Any) -> None:
    assert json.loads(text(installed, "/api/v1/duties/"))["results"][0]["person"] == "reader"
    assert json.loads(text(installed, "/api/v1/"))["duties"].endswith("/api/v1/duties/")


def test_its_route_is_in_openapi(installed: Any) -> None:
    schema = json.loads(text(installed, "/api/schema/"))
    assert "/api/v1/duties/" in schema["paths"]
    assert "Duty" in schema["components"]["schemas"]


def test_its_task_is_in_beats_timetable_and_known_to_the_worker(installed: Any) -> None:
    assert "rota.forget_old" in installed["timetable"]
    assert installed["tasks"] == ["rota.tasks.forget_old"]


def test_what_it_knows_is_found_by_search(installed: Any) -> None:
    assert "On duty" in text(installed, "/search/?q=reader")


def test_its_health_check_is_on_the_status_page(installed: Any) -> None:
    assert "1 on duty today." in text(installed, "/status/")


def test_its_docs_page_is_listed_and_rendered(installed: Any) -> None:
    assert "/docs/rota/" in text(installed, "/docs/")
    assert "Each stage has someone on duty." in text(installed, "/docs/rota/")


def test_its_card_is_on_the_home_page(installed: Any) -> None:
    assert "On duty today" in text(installed, "/")


def test_it_says_what_needs_the_reader(installed: Any) -> None:
    assert "You are on duty for reading." in text(installed, "/attention/")


def test_its_permission_and_its_scopes_are_offered_on_the_people_page(installed: Any) -> None:
    assert "rota:all" in installed["scopes"]
    assert "Say who is on duty." in text(installed, "/people/")


def test_the_plugins_page_tells_what_it_adds(installed: Any) -> None:
    page = text(installed, "/plugins/")
    assert "stageboard-rota" in page
    assert "every night at 4:30 UTC" in page


def test_a_source_reference_leads_to_it(installed: Any) -> None:
    assert installed["source"].startswith("reader for reading")


@pytest.mark.parametrize("url", ["/rota/", "/api/v1/duties/", "/docs/rota/"])
def test_its_addresses_are_gone_with_it(uninstalled: Any, url: str) -> None:
    assert uninstalled["pages"][url]["status"] == 404


def test_no_page_speaks_of_it_any_more(uninstalled: Any) -> None:
    for url, found in uninstalled["pages"].items():
        if found["status"] == 200:
            for word in ("Rota", "/rota/", "On duty", "on duty", "duties"):
                assert word not in found["text"], f"{word} is still on {url}"


def test_nothing_of_it_runs_or_is_known_any_more(uninstalled: Any) -> None:
    assert "rota" not in uninstalled["plugins"]
    assert uninstalled["checks"] == []
    assert [name for name in uninstalled["timetable"] if name.startswith("rota")] == []
    assert uninstalled["tasks"] == []
    assert uninstalled["source"] is None
    assert "rota:all" not in uninstalled["scopes"]
