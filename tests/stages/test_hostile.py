"""Requests that nobody means well with: answered with a sentence, never with a fault."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from stages.handbook.documents import page_of
from stages.handbook.limits import MOST_LINES
from stages.handbook.reading import HandbookError
from stages.models import Stage
from tests.stages.builders import a_block, a_stage

pytestmark = pytest.mark.django_db
HOSTILE = [
    "\x00",
    "a\x00b",
    "../../etc/passwd",
    "%00",
    "9" * 40,
    "9" * 5000,
    "-1",
    "<script>",
    "\u202e",
    "💥",
    "'; DROP TABLE x;--",
]
JSON = "application/json"


@pytest.fixture(autouse=True)
def _stage(db: None) -> Stage:
    return a_stage("create")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_address_or_parameter_is_a_fault(editor_client: Client, text: str) -> None:
    from urllib.parse import quote

    word = quote(text, safe="")
    addresses = [
        f"/stages/{word}/", f"/groups/{word}/", f"/sections/{word}/", f"/categories/{word}/",
        f"/stages/create/edit/{word}/", f"/stages/create/edit/other/?heading={word}",
        f"/stages/create/edit/slack/?suggestion={word}",
        f"/stages/create/history/?block={word}&as_of={word}&page={word}",
        f"/stages/compare/?a={word}&b={word}", f"/stages/create/export/{word}/", f"/search/?q={word}",
        f"/api/v1/stages/{word}/", f"/api/v1/stages/?section={word}", f"/api/v1/resources/?kind={word}&stage={word}",
        f"/api/v1/stages/create/blocks/{word}/", f"/api/v1/stages/create/blocks/other/?heading={word}",
    ]  # fmt: skip
    for address in addresses:
        assert editor_client.get(address).status_code < 500, address


@pytest.mark.parametrize("text", HOSTILE)
def test_no_form_is_a_fault(editor_client: Client, text: str) -> None:
    data = {
        "action": "save", "base_version": text, "order": text, "heading": text, "note": text, "body": text,
        "reason": text, "suggestion": text, f"item-{text}-id": text, f"item-{text}-label": text,
        f"item-{text}-url": text, f"item-{text}-text": text, f"item-{text}-doc_label": text,
    }  # fmt: skip
    for kind in ("slack", "dashboards", "data_docs", "other", "description"):
        for action in ("save", "suggest", "draft", "preview", f"up-{text}"):
            answer = editor_client.post(f"/stages/create/edit/{kind}/", {**data, "action": action})
            assert answer.status_code < 500, (kind, action)
    asked = {"resource": text, "preview": text, "action": "import", "next": text}
    for page in ("/stages/links/check/", "/stages/import/", "/stages/import/structure/"):
        assert editor_client.post(page, asked).status_code < 500, page
    for action in ("undo", "confirm", "own", "reviewed", "give-back", text):
        posted = {"action": action, "version": text, "heading": text}
        assert editor_client.post("/stages/create/tool/slack/", posted).status_code < 500
    for action in ("rename", "move", "move_group", "merge", "split", "retire", text):
        names = ("name", "key", "section", "stage", "group", "on", "groups", "kinds", "reason")
        posted = {"action": action, **dict.fromkeys(names, text)}
        assert editor_client.post("/stages/create/restructure/", posted).status_code < 500, action
    assert editor_client.post("/stages/create/history/", {"revision": text, "as_of": text}).status_code < 500
    assert editor_client.post("/stages/import/", {"text": f"#### A Stage\n##### Slack\n{text}"}).status_code < 500


BODIES = [
    None, 1, "x", [], [1], {}, {"items": 1}, {"items": [1]}, {"items": [{"id": 10**30}]}, {"items": [{"id": "x"}]},
    {"items": [{"label": "a\x00b", "url": "/a"}]}, {"note": "x" * 5000}, {"items": [{"label": "\ud83d\ude00"}] * 600},
    {"items": [{"label": "A", "url": "/a", "doc_label": "x"}]}, {"reason": "x" * 5000},
    {"items": [{"label": None, "url": ["a"]}]}, {"body": "x\x00"},
    {"items": [{"id": 999999, "label": "A", "url": "/a"}]},
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_no_body_is_a_fault(editor_client: Client, body: object) -> None:
    text = json.dumps(body)
    for kind in ("slack", "dashboards", "data_docs", "other", "description"):
        answer = editor_client.put(f"/api/v1/stages/create/blocks/{kind}/", text, content_type=JSON)
        assert answer.status_code < 500, kind
    for address in ("/api/v1/stages/create/", "/api/v1/starting-points/1/"):
        answer = editor_client.patch(address, text, content_type=JSON, headers={"If-Match": "*"})
        assert answer.status_code < 500
    assert editor_client.post("/api/v1/stages/blocks/bulk/", f"[{text}]", content_type=JSON).status_code < 500
    assert editor_client.post("/api/v1/stages/blocks/bulk/", text, content_type=JSON).status_code < 500
    assert editor_client.post("/api/v1/starting-points/", text, content_type=JSON).status_code < 500


HEAD = "#### Create Stage\n##### Dashboards\n"
TOO_MUCH = [
    ("lines", "x\n" * (MOST_LINES + 1)),
    ("stages", "".join(f"#### S{number} Stage\n##### Slack\n**#a**\n" for number in range(201))),
    ("items", HEAD + "".join(f"[A{number}](/a{number})\n\n" for number in range(501))),
    ("a link is 400,017", HEAD + "* http://a.example/" + "a/" * 200_000),
    ("a name is", HEAD + "* [" + "long " * 50_000 + "](/a)"),
    ("a description is", HEAD + "* [a](/a)\n  _" + "long " * 50_000 + "_"),
    ("the note under its heading is", HEAD + "_" + "long " * 50_000 + "_\n"),
    ("characters", "#### Create Stage\n##### Rituals\n" + "word " * 50_000),
]


@pytest.mark.parametrize(("what", "text"), TOO_MUCH)
def test_a_page_that_holds_too_much_is_refused_with_what_it_is(editor_client: Client, what: str, text: str) -> None:
    with pytest.raises(HandbookError, match=what):
        page_of(text, "page.md")
    before = Stage.objects.count()
    page = editor_client.post("/stages/import/", {"text": text})
    api = editor_client.post("/api/v1/handbook/import/", {"text": text, "apply": True}, content_type=JSON)
    assert (page.status_code, api.status_code, Stage.objects.count()) == (422, 400, before)
    assert what in page.content.decode()
    assert what in str(api.json())


def test_a_text_too_long_to_lay_out_is_shown_as_written(editor_client: Client) -> None:
    a_block(Stage.objects.get(), "other", heading="Rituals", body="![" * 30_000 + "<script>")
    page = editor_client.get("/stages/create/").content.decode()
    assert "too long to be laid out" in page
    assert "&lt;script&gt;" in page
