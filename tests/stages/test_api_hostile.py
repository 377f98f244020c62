"""Requests to the API of the catalog that nobody means well with, or that a careless script makes.

None is a fault, none writes unseen, what is stored is what was sent.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.models import TokenScope, User
from portal.plugins.routes import all_routes
from stages.content import Item
from stages.editing import content_of, find_block
from stages.models import FormerKey, Resource, Stage
from tests.architecture.test_routes import example
from tests.builders import a_token, a_user, bearer
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"
STAGE = "/api/v1/stages/create/"
BLOCK = f"{STAGE}blocks/dashboards/"
WRITES = [
    ("put", BLOCK),
    ("post", f"{BLOCK}review/"),
    ("post", f"{BLOCK}restore/"),
    ("post", "/api/v1/stages/blocks/bulk/"),
    ("post", "/api/v1/stages/"),
    ("patch", STAGE),
    ("post", f"{STAGE}rename/"),
    ("post", f"{STAGE}move/"),
    ("post", f"{STAGE}split/"),
    ("post", f"{STAGE}merge/"),
    ("post", f"{STAGE}retire/"),
    ("post", f"{STAGE}give-back/"),
    ("post", f"{STAGE}restore/"),
    ("put", f"{STAGE}people/"),
    ("post", "/api/v1/stages/bulk/"),
    ("post", "/api/v1/categories/bulk/"),
    ("post", "/api/v1/resources/"),
    ("patch", "/api/v1/resources/{resource}/"),
    ("post", "/api/v1/resources/{resource}/restore/"),
    ("post", "/api/v1/resources/bulk/"),
    ("post", f"{BLOCK}items/"),
    ("post", "/api/v1/links/check/"),
    ("post", "/api/v1/starting-points/"),
    ("post", "/api/v1/starting-points/bulk/"),
    ("post", "/api/v1/starting-points/restore/"),
    ("post", "/api/v1/page-texts/"),
    ("post", "/api/v1/page-texts/bulk/"),
    ("put", f"{BLOCK}draft/"),
    ("put", f"{STAGE}draft/"),
    ("put", f"{STAGE}people/draft/"),
    ("put", "/api/v1/starting-points/draft/"),
    ("put", "/api/v1/page-texts/draft/?place=top"),
    ("post", "/api/v1/suggestions/"),
    ("post", "/api/v1/handbook/import/"),
    ("post", "/api/v1/structure/import/"),
]
DEEP = "[" * 100_000 + "]" * 100_000
BODIES = [
    "null",
    "[]",
    "{}",
    "0",
    '"text"',
    "[null]",
    "[[]]",
    '[{"key": null, "stage": null, "id": null, "kind": null}]',
    '{"items": null, "people": null, "content": null, "facts": null, "parents": null, "text": null}',
    '{"items": [null, 1, [], {"label": {}, "id": "x"}], "people": {"a": 1}, "content": [], "parents": {"a": {}}}',
    '{"version": 1e400}',
    '{"version": %s, "id": %s, "base_version": %s}' % ((("9" * 400),) * 3),
    '[{"key": "create", "version": %s}]' % ("9" * 4000),
    '[{"id": %s, "official": true}]' % ("9" * 40),
    '{"name": "a\\u0000b", "heading": "\\u0000", "reason": "\\u0000", "text": "\\u0000"}',
    '{"name": "\\ud800", "note": "\\ud800", "reason": "\\ud800", "text": "\\ud800"}',
    '{"\\ud800": 1}',
    '[{"\\ud800": 1}]',
    '{"kind": "\\ud800", "to": "\\ud800", "maturity": "\\ud800", "section": "\\ud800", "content": {}}',
    '{"reason": {"a": []}, "on": 5, "key": ["x"], "name": {}, "section": {"a": 1}, "related_keys": {"a": [1]}}',
    '{"related_keys": [[["x"]]], "description": [], "established": true, "spend_percent": {"a": 1}}',
    '{"a": ' + DEEP + "}",
    DEEP,
    "{" * 50_000,
    "",
    "not json",
    '{"a": NaN}',
]


@pytest.fixture(autouse=True)
def stage() -> Stage:
    stage = a_stage("create", section=a_section("dev"))
    a_block(stage, "dashboards", Item(label="A", url="/a"))
    return stage


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:40])
def test_no_body_is_a_fault(editor_client: Client, body: str) -> None:
    resource = Resource.objects.get().pk
    for method, named in WRITES:
        route = named.format(resource=resource)
        for match in ({}, {"If-Match": "*"}):
            answer = getattr(editor_client, method)(route, body, content_type=JSON, headers=match)
            assert answer.status_code < 500, (method, route, match, answer.content[:300])
            if answer.status_code >= 400:
                assert answer["Content-Type"] == "application/problem+json", (method, route)


def test_a_body_beyond_all_measure_is_refused_before_it_is_read(editor_client: Client) -> None:
    large = '{"text": "' + "x" * (33 * 2**20) + '"}'
    assert editor_client.post("/api/v1/handbook/import/", large, content_type=JSON).status_code == 413
    form = editor_client.post("/api/v1/suggestions/", "a=b&" * 2_000, content_type="application/x-www-form-urlencoded")
    assert form.status_code == 400


def test_a_page_of_five_megabytes_is_told_as_a_difference(editor_client: Client) -> None:
    text = (
        "#### Create Stage\n##### Top dashboards\n[B](/b)\n\n" + ("Words and words and words. " * 40 + "\n\n") * 4_700
    )
    assert len(text) > 5_000_000
    answer = editor_client.post("/api/v1/handbook/import/", {"text": text}, content_type=JSON)
    assert answer.status_code in (200, 400)


def test_a_block_of_five_megabytes_is_refused_by_field(editor_client: Client) -> None:
    match = {"If-Match": editor_client.get(BLOCK)["ETag"]}
    for body in ({"note": "x" * 5_000_000}, {"items": [{"label": "A", "description": "x" * 5_000_000}]}):
        answer = editor_client.put(BLOCK, body, content_type=JSON, headers=match)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"].split(".")[-1] in ("note", "description")


def test_a_field_that_there_is_not_is_named_instead_of_dropped(editor_client: Client) -> None:
    match = {"If-Match": "*"}
    for method, route, body, field in [
        ("put", BLOCK, {"itmes": []}, "itmes"),
        ("put", BLOCK, {"items": [{"lable": "A"}]}, "items.0.lable"),
        ("patch", STAGE, {"roadmp": "/x"}, "roadmp"),
        ("patch", STAGE, {"name": "Other"}, "name"),
        ("patch", STAGE, {"section": "dev"}, "section"),
        ("post", f"{STAGE}rename/", {"nmae": "Other", "name": "X"}, "nmae"),
        ("post", "/api/v1/stages/bulk/", [{"key": "create", "roadmp": "/x"}], "0.roadmp"),
    ]:
        answer = getattr(editor_client, method)(route, body, content_type=JSON, headers=match)
        assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (400, [field]), route
    assert content_of(find_block(Stage.objects.get(), "dashboards")).items


def test_what_was_read_can_be_sent_back_whole(editor_client: Client) -> None:
    read = editor_client.get(BLOCK)
    answer = editor_client.put(BLOCK, read.json(), content_type=JSON, headers={"If-Match": read["ETag"]})
    assert (answer.status_code, answer.json()) == (200, read.json())
    many = editor_client.get(f"{STAGE}blocks/").json()
    filled = [one for one in many if one["filled"] == "own"]
    again = editor_client.post("/api/v1/stages/blocks/bulk/", filled, content_type=JSON)
    assert [one["version"] for one in again.json()] == [1]


def test_asking_for_the_head_writes_nothing(editor_client: Client, viewer_client: Client) -> None:
    for client in (viewer_client, editor_client):
        for route in (BLOCK, f"{STAGE}people/", STAGE, "/api/v1/stages/"):
            answer = client.head(route, headers={"If-Match": "*"})
            assert (answer.status_code, answer.content) == (200, b""), route
    assert content_of(find_block(Stage.objects.get(), "dashboards")).items
    assert Stage.objects.get().blocks.get().version == 1


def test_options_of_every_route_of_the_catalog_tell_what_it_takes(
    editor_client: Client, viewer_client: Client, anonymous_client: Client
) -> None:
    routes = [
        example(one) for one in all_routes() if (one.api_class.__module__ if one.api_class else "")[:7] == "stages."
    ]
    assert len(routes) > 40
    for route in [*routes, STAGE, BLOCK, f"{STAGE}people/"]:
        for client in (editor_client, viewer_client):
            assert client.options(route).status_code in (200, 403, 404), route
        assert anonymous_client.options(route).status_code in (401, 404), route


@pytest.mark.parametrize("match", ['W/"{}"', "{}", '"x", W/"{}"', '"', "", "null", '"{}' + "x" * 5_000])
def test_an_etag_that_is_not_exactly_the_present_one_does_not_match(editor_client: Client, match: str) -> None:
    etag = editor_client.get(BLOCK)["ETag"].strip('"')
    headers = {"If-Match": match.replace("{}", etag)}
    answer = editor_client.put(BLOCK, {"items": []}, content_type=JSON, headers=headers)
    assert answer.status_code == 412


def test_one_of_several_etags_and_the_star_match(editor_client: Client) -> None:
    etag = editor_client.get(BLOCK)["ETag"]
    several = {"If-Match": f'"other", {etag}'}
    assert editor_client.put(BLOCK, {"note": "N"}, content_type=JSON, headers=several).status_code == 200
    assert editor_client.put(BLOCK, {"note": "M"}, content_type=JSON, headers={"If-Match": "*"}).status_code == 200


HOSTILE_TEXTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[x](javascript:alert(1)) **bold** <details>",
    "\u202egnirts lanretxe",
    "=cmd|' /C calc'!A0",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 💥 ﷺ",
    "{{ 7*7 }} {% load x %}",
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_is_stored_as_sent_and_shown_safely(editor_client: Client, text: str) -> None:
    match = {"If-Match": editor_client.get(BLOCK)["ETag"]}
    body = {"note": text, "items": [{"label": text, "url": "/a", "description": text}]}
    written = editor_client.put(BLOCK, body, content_type=JSON, headers=match)
    assert written.status_code == 200
    read = editor_client.get(BLOCK)
    assert (read.json()["note"], read.json()["items"][0]["label"]) == (text, text)
    assert read["Content-Type"] == JSON
    assert read["X-Content-Type-Options"] == "nosniff"
    page = editor_client.get("/stages/create/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    assert "\u202e" not in page


def test_each_kind_of_reader_may_do_what_the_page_lets_them(viewer: User, anonymous_client: Client) -> None:
    plan = a_stage("plan", section=a_section("ops"))
    a_block(plan, "dashboards", Item(label="P", url="/p"))
    everyone = {
        "anonymous": (anonymous_client, 401),
        "viewer": (browser_of(viewer), 403),
        "editor of another stage": (browser_of(a_user("cem", "editor@stage:plan")), 403),
        "editor of another section": (browser_of(a_user("eva", "editor@section:ops")), 403),
        "editor of the stage": (browser_of(a_user("bea", "editor@stage:create")), 200),
        "editor of the section": (browser_of(a_user("dan", "editor@section:dev")), 200),
        "administrator": (browser_of(a_user("ada", "administrator")), 200),
    }
    writes: list[tuple[str, str, Any]] = [
        ("put", BLOCK, {"items": [{"label": "A", "url": "/a"}]}),
        ("patch", STAGE, {"roadmap": "/r"}),
        ("put", f"{STAGE}people/", {"people": []}),
        ("post", f"{BLOCK}review/", {"reviewed": True}),
        ("post", "/api/v1/stages/blocks/bulk/", [{"stage": "create", "kind": "slack", "items": [{"label": "#a"}]}]),
    ]
    for who, (client, wanted) in everyone.items():
        for method, route, body in writes:
            answer = getattr(client, method)(route, body, content_type=JSON, headers={"If-Match": "*"})
            assert answer.status_code == wanted, (who, route, answer.content)
        assert client.get(BLOCK).status_code == (401 if who == "anonymous" else 200)


def test_a_token_writes_only_if_it_was_made_for_it_and_never_more_than_its_person() -> None:
    body, match = {"items": [{"label": "A", "url": "/a"}]}, {"If-Match": "*"}
    for scopes, roles, wanted in [
        ((TokenScope.READ,), ("editor",), 403),
        ((TokenScope.SUBMIT,), ("editor",), 403),
        ((TokenScope.READ, TokenScope.WRITE), ("editor@stage:create",), 200),
        ((TokenScope.READ, TokenScope.WRITE), ("editor@stage:plan",), 403),
        ((TokenScope.READ, TokenScope.WRITE), (), 403),
    ]:
        secret, _ = a_token(a_user("", *roles), *scopes)
        client = Client(headers=bearer(secret))
        assert client.put(BLOCK, body, content_type=JSON, headers=match).status_code == wanted, (scopes, roles)
        rows = [{"stage": "create", "kind": "dashboards", **body}]
        assert client.post("/api/v1/stages/blocks/bulk/", rows, content_type=JSON).status_code == wanted
        reads = 200 if TokenScope.READ in scopes else 403
        assert client.get(BLOCK).status_code == reads
        assert client.head(BLOCK, headers=match).status_code == reads
    assert Client(headers=bearer("nothing")).get(BLOCK).status_code == 401


def test_a_row_that_stands_twice_in_a_bulk_request_is_written_in_order(editor_client: Client) -> None:
    rows = [{"key": "create", "roadmap": "/one"}, {"key": "create", "roadmap": "/two"}]
    done = editor_client.post("/api/v1/stages/bulk/", rows, content_type=JSON)
    assert [one["roadmap"] for one in done.json()] == ["/two", "/two"]
    block = {"stage": "create", "kind": "slack", "items": [{"label": "#a"}, {"label": "#a"}]}
    done = editor_client.post("/api/v1/stages/blocks/bulk/", [block, block], content_type=JSON)
    assert [one["version"] for one in done.json()] == [1, 1]


def test_a_key_of_old_leads_on(editor_client: Client) -> None:
    FormerKey.objects.create(kind="stage", key="make", target_key="create")
    read = editor_client.get("/api/v1/stages/make/")
    assert (read.status_code, read.json()["key"]) == (200, "create")
    assert editor_client.get("/api/v1/stages/make/blocks/dashboards/").json()["stage"] == "create"
    changed = editor_client.patch(
        "/api/v1/stages/make/", {"roadmap": "/r"}, content_type=JSON, headers={"If-Match": read["ETag"]}
    )
    assert changed.json()["roadmap"] == "/r"


def test_lists_are_narrowed_and_a_value_that_cannot_be_is_named(editor_client: Client) -> None:
    a_stage("gone", retired_on="2026-01-01", in_structure=False)
    listed = editor_client.get("/api/v1/stages/").json()
    assert [row["key"] for row in listed["results"]] == ["create"]
    assert editor_client.get("/api/v1/stages/?retired=true").json()["count"] == 2
    assert editor_client.get("/api/v1/stages/?retired=true&in_structure=false").json()["count"] == 1
    assert editor_client.get("/api/v1/stages/?q=CREA").json()["count"] == 1
    assert editor_client.get("/api/v1/stages/gone/").status_code == 200
    answer = editor_client.get("/api/v1/suggestions/?state=nonsense")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "state")
    assert editor_client.get("/api/v1/resources/?kind=nonsense").status_code == 400
    for query, number in [
        ("kind=dashboards", 1), ("stage=create", 1), ("stage=gone", 0), ("placed=false", 0), ("placed=true", 1),
        ("review_due=true", 0), ("review_due=false", 1), ("q=a", 1), ("link=dead", 0), ("group=x", 0), ("url=/a", 1),
    ]:  # fmt: skip
        assert editor_client.get(f"/api/v1/resources/?{query}").json()["count"] == number, query
