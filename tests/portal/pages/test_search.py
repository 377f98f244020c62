from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.test import Client

from portal.models import User
from portal.plugin import Plugin, SearchHit, SearchSource
from portal.search import marker, search
from tests.conftest import WithPlugins


def a_plugin(*sources: SearchSource) -> Plugin:
    return Plugin(name="weather", title="Weather", summary="The weather.", search=sources)


def hits(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
    return [
        SearchHit(title=f"Storm {number} <{query}>", url=f"/storm/{number}/", kind="Storm", score=float(number))
        for number in range(60)
    ]


def broken(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
    raise ValueError("no index")


def test_a_source_that_fails_is_named_and_the_others_answer(with_plugins: WithPlugins, viewer_client: Client) -> None:
    plugin = a_plugin(SearchSource(name="Storms", search=hits), SearchSource(name="Old storms", search=broken))
    with with_plugins(plugin):
        html = viewer_client.get("/search/?q=storm").content.decode()
    assert "Old storms did not answer" in html
    assert "<mark>Storm</mark>" in html


def test_a_failed_statement_of_a_source_does_not_poison_the_page(
    with_plugins: WithPlugins, viewer_client: Client
) -> None:
    def wrong(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
        list(User.objects.raw("SELECT nonsense FROM nowhere"))
        return []

    with with_plugins(a_plugin(SearchSource(name="Wrong", search=wrong))):
        assert viewer_client.get("/search/?q=storm").status_code == 200


def test_hits_are_ranked_counted_by_kind_and_not_repeated(with_plugins: WithPlugins, viewer: User) -> None:
    def twice(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
        return [SearchHit(title="The same zzz", url="/storm/49/", kind="Storm", score=99.0)]

    plugin = a_plugin(SearchSource(name="Storms", search=hits), SearchSource(name="More", search=twice))
    with with_plugins(plugin, only=True):
        found = search("zzz", viewer)
    assert found.hits[0].title == "The same zzz"
    assert found.kinds == (("Storm", 50),)


def test_titles_decide_the_order_across_sources_and_then_the_sources(with_plugins: WithPlugins, viewer: User) -> None:
    def first(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
        return [
            SearchHit(title="Rain of the week", url="/1/", kind="Text", snippet="write", score=100.0),
            SearchHit(title="counts.i_write_every_day", url="/2/", kind="Metric", score=100.0),
            SearchHit(title="Write: other texts", url="/3/", kind="Text", score=100.0),
            SearchHit(title="Rwite", url="/4/", kind="Text", score=100.0),
        ]

    def second(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
        return [
            SearchHit(title="Writers", url="/5/", kind="Group", score=50.0),
            SearchHit(title="write!", url="/6/", kind="Stage", score=40.0),
            SearchHit(title="Write", url="/7/", kind="Group", score=40.0),
        ]

    def found(query: str) -> list[str]:
        return [hit.url for hit in search(query, viewer).hits if len(hit.url) == 3]

    sources = (SearchSource(name="First", search=first), SearchSource(name="Second", search=second))
    with with_plugins(a_plugin(*sources), only=True):
        assert found("write") == ["/6/", "/7/", "/5/", "/3/", "/2/", "/4/", "/1/"]
        assert found("  WRIT ") == ["/6/", "/7/", "/5/", "/3/", "/2/", "/1/", "/4/"]
        slip = found("wrtie")
    assert slip.index("/7/") < slip.index("/1/")


def test_a_mistyped_word_is_no_other_word(with_plugins: WithPlugins, viewer: User) -> None:
    def source(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
        return [
            SearchHit(title="Data", url="/data/", kind="Text", score=10.0),
            SearchHit(title="Calendar", url="/calendar/", kind="Text", snippet="the date", score=90.0),
        ]

    with with_plugins(a_plugin(SearchSource(name="Texts", search=source)), only=True):
        found = [hit.url for hit in search("date", viewer).hits if hit.kind == "Text"]
    assert found == ["/calendar/", "/data/"]


def test_facets_narrow_the_list(with_plugins: WithPlugins, viewer_client: Client) -> None:
    with with_plugins(a_plugin(SearchSource(name="Storms", search=hits))):
        html = viewer_client.get("/search/?q=plugin&kind=Documentation").content.decode()
    assert "Storm 1 " not in html
    assert "Storm 50" in html


def test_hits_are_narrowed_to_a_stage(with_plugins: WithPlugins, viewer_client: Client) -> None:
    def of_stages(query: str, user: Any, limit: int) -> Sequence[SearchHit]:
        return [
            SearchHit(title=f"Page of {key}", url=f"/x/{key}/", kind="Page", facets=(("stage", key),))
            for key in ("create", "plan")
        ]

    with with_plugins(a_plugin(SearchSource(name="Pages", search=of_stages)), only=True):
        everything = viewer_client.get("/search/?q=zzz").content.decode()
        narrowed = viewer_client.get("/search/?q=zzz&kind=Page&narrow=stage:+plan").content.decode()
        nothing = viewer_client.get("/search/?q=zzz&narrow=stage:+<b>").content.decode()
    assert '<option value="stage: create">stage: create (1)</option>' in everything
    assert "/x/plan/" in narrowed
    assert "/x/create/" not in narrowed
    assert '<option value="stage: plan" selected>' in narrowed
    assert "for stage: &lt;b&gt;" in nothing


def test_what_is_typed_is_escaped_everywhere(with_plugins: WithPlugins, viewer_client: Client) -> None:
    with with_plugins(a_plugin(SearchSource(name="Storms", search=hits))):
        for path in ("/search/", "/search/suggest/"):
            html = viewer_client.get(path, {"q": "<script>alert(1)</script>"}).content.decode()
            assert "<script>alert" not in html


def test_suggestions_are_few_and_end_with_all_results(with_plugins: WithPlugins, viewer_client: Client) -> None:
    with with_plugins(a_plugin(SearchSource(name="Storms", search=hits))):
        html = viewer_client.get("/search/suggest/?q=storm").content.decode()
    assert html.count('class="search-hit"') == 9
    assert "All results" in html
    assert viewer_client.get("/search/suggest/?q=").content.decode().strip() == ""


def test_marks_keep_the_text_as_it_is() -> None:
    mark = marker("merge re")
    assert mark("Merge <requests>") == "<mark>Merge</mark> &lt;<mark>re</mark>quests&gt;"
    assert marker("a")("a <b>") == "a &lt;b&gt;"
