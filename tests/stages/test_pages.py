"""The catalog's pages."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def imported(shared_data: Path) -> None:
    folder = shared_data / "handbook"
    files = {name: folder / f"{name}.yml" for name in ("sections", "stages", "categories")}
    call_command("import_structure", stdout=io.StringIO(), **files)
    call_command("import_handbook", str(folder / "crash_course.md"), stdout=io.StringIO())


PAGES = ["/stages/", "/stages/create/", "/stages/anti-abuse/", "/stages/protect/", "/groups/source_code/",
         "/groups/5-min-app/", "/sections/dev/", "/categories/gitaly/", "/categories/value_stream_management/",
         "/stages/board/"]  # fmt: skip


@pytest.mark.usefixtures("imported")
def test_every_page_of_the_real_catalog_stands(viewer_client: Client) -> None:
    for address in PAGES:
        assert viewer_client.get(address).status_code == 200, address


@pytest.mark.usefixtures("imported")
def test_a_stage_page_shows_its_blocks_and_what_is_still_empty(viewer_client: Client) -> None:
    page = viewer_client.get("/stages/create/").content.decode()
    assert "Code Review MAU Metrics" in page
    assert "#s_create_pm" in page
    assert "https://about.gitlab.com/handbook/engineering/development/dev/create/#vision" in page
    assert "The query for SMAU and GMAU ready to copy" in page
    assert "Source Code" in page


def test_an_unknown_stage_is_not_found(viewer_client: Client) -> None:
    assert viewer_client.get("/stages/nothing/").status_code == 404


@pytest.mark.usefixtures("imported")
def test_the_stage_page_asks_few_questions(viewer_client: Client, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    viewer_client.get("/stages/create/")
    with django_assert_max_num_queries(10):
        viewer_client.get("/stages/create/")
