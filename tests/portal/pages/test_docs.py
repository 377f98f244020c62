from __future__ import annotations

from pathlib import Path

from django.test import Client

from portal import docs
from portal.plugin import DocsPage, Plugin
from tests.conftest import WithPlugins


def a_plugin(path: Path, slug: str = "weather/guide", group: str = "For operators") -> Plugin:
    page = DocsPage(slug=slug, title="Weather guide", path=path, group=group)
    return Plugin(name="weather", title="Weather", summary="The weather.", docs=(page,))


def test_the_projects_pages_are_on_the_shelf_by_reader() -> None:
    titles = {shelf.title: [page.slug for page in shelf.pages] for shelf in docs.shelves()}
    assert "developers/plugins" in titles["For developers"]
    assert "changelog" in titles["Reference"]


def test_every_page_of_the_shelf_opens(viewer_client: Client) -> None:
    for page in docs.pages():
        answer = viewer_client.get(page.url)
        assert answer.status_code == 200, page.slug
        assert ' style="' not in answer.content.decode(), page.slug


def test_a_plugins_page_stands_among_the_others(
    with_plugins: WithPlugins, viewer_client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "guide.md"
    path.write_text("# Weather guide\n\n## Rain\n\nTake an umbrella.\n", encoding="utf-8")
    with with_plugins(a_plugin(path)):
        assert "Weather guide" in viewer_client.get("/docs/").content.decode()
        html = viewer_client.get("/docs/weather/guide/").content.decode()
    assert 'href="#rain"' in html
    assert "Take an umbrella." in html


def test_a_page_that_a_plugin_names_but_does_not_bring_is_left_out(
    with_plugins: WithPlugins, viewer_client: Client, tmp_path: Path
) -> None:
    with with_plugins(a_plugin(tmp_path / "none.md")):
        assert viewer_client.get("/docs/").status_code == 200
        assert viewer_client.get("/docs/weather/guide/").status_code == 404


def test_links_between_files_become_links_between_pages(tmp_path: Path) -> None:
    here, there = tmp_path / "a" / "here.md", tmp_path / "b" / "there.md"
    known = {there: "/docs/b/there/", tmp_path / "b" / "README.md": "/docs/b/"}
    assert docs.resolved("../b/there.md#rain", here, known) == "/docs/b/there/#rain"
    assert docs.resolved("../b/", here, known) == "/docs/b/"
    assert docs.resolved("../secret.py", here, known) == ""
    assert docs.resolved("https://example.com/x", here, known) == "https://example.com/x"
    assert docs.resolved("#rain", here, known) == "#rain"


def test_a_changed_file_is_rendered_anew(with_plugins: WithPlugins, viewer_client: Client, tmp_path: Path) -> None:
    import os

    path = tmp_path / "guide.md"
    path.write_text("# One\n", encoding="utf-8")
    with with_plugins(a_plugin(path)):
        assert "One" in viewer_client.get("/docs/weather/guide/").content.decode()
        path.write_text("# Two\n", encoding="utf-8")
        os.utime(path, ns=(1, 1))
        assert "Two" in viewer_client.get("/docs/weather/guide/").content.decode()


def test_the_search_wants_every_word_and_puts_titles_first(with_plugins: WithPlugins, tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text("# Weather guide\n\nTake an umbrella against hailstones.\n", encoding="utf-8")
    with with_plugins(a_plugin(path)):
        assert next(match.page.slug for match in docs.search("weather guide", 5)) == "weather/guide"
        (match,) = docs.search("umbrella hailstones", 5)
        assert "umbrella" in match.snippet
        assert docs.search("umbrella zzzz", 5) == []
