"""The helpful places to start are edited on their page; nobody overwrites another unseen."""

from __future__ import annotations

import pytest
from django.test import Client

from stages.models import StartingPoint
from tests.builders import a_user
from tests.conftest import browser_of

pytestmark = pytest.mark.django_db
PAGE = "/stages/starting-points/"


def texts() -> list[str]:
    return [one.text for one in StartingPoint.objects.all()]


def test_lines_are_added_changed_moved_and_taken_away(editor_client: Client, viewer_client: Client) -> None:
    for text in ("[Docs](https://docs.example/) tell how", "Ask around"):
        editor_client.post(PAGE, {"text": text})
    first, second = StartingPoint.objects.all()
    assert (first.label, first.url) == ("Docs", "https://docs.example/")
    assert "Edit the places to start" in editor_client.get("/stages/").content.decode()
    assert "Edit the places to start" not in viewer_client.get("/stages/").content.decode()
    editor_client.post(PAGE, {"pk": second.pk, "version": "1", "text": "Ask in #data"})
    editor_client.post(PAGE, {"pk": second.pk, "action": "up"})
    assert texts() == ["Ask in #data", "[Docs](https://docs.example/) tell how"]
    editor_client.post(PAGE, {"pk": first.pk, "version": "1", "action": "remove"})
    assert texts() == ["Ask in #data"]
    page = editor_client.get(PAGE).content.decode()
    for text in ("Editor", "deleted", "tell how", "Ask around", "Ask in #data"):
        assert text in page


def test_a_stale_or_hostile_line_is_refused_and_kept_in_the_form(editor_client: Client) -> None:
    editor_client.post(PAGE, {"text": "One"})
    start = StartingPoint.objects.get()
    browser_of(a_user("bea", "editor")).post(PAGE, {"pk": start.pk, "version": "1", "text": "Theirs"})
    stale = editor_client.post(PAGE, {"pk": start.pk, "version": "1", "text": "Mine"})
    assert (stale.status_code, texts()) == (409, ["Theirs"])
    assert "Mine" in stale.content.decode()
    for text in ("", "x" * 5001, "[x](javascript:alert(1)) y"):
        assert editor_client.post(PAGE, {"text": text}).status_code == 422, text[:20]
    assert texts() == ["Theirs"]


def test_only_an_editor_of_everything_edits_them(viewer_client: Client) -> None:
    assert viewer_client.get(PAGE).status_code == 403
    assert browser_of(a_user("bea", "editor@stage:create")).post(PAGE, {"text": "x"}).status_code == 403
