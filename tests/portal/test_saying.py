"""What is said after something was done survives a redirect, with its button, and stands where the page has a place."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory

from portal.saying import Offer, Said, said_here, say

UNDO = Offer(label="Undo", url="/undo/", fields={"version": "<3>"})


def after_a_redirect(*told: Said) -> HttpRequest:
    """The request that follows one in which this was said."""
    first: Any = RequestFactory().get("/")
    first._messages = CookieStorage(first)
    for one in told:
        say(first, one)
    response = HttpResponse()
    first._messages.update(response)
    request = RequestFactory().get("/")
    second: Any = request
    second.COOKIES["messages"] = response.cookies["messages"].value
    second._messages = CookieStorage(second)
    return request


def test_a_sentence_keeps_its_offer_and_its_place() -> None:
    told = Said(sentence="Saved.", offer=UNDO, place="facts")
    found = said_here(after_a_redirect(told), ["facts"])
    assert (found["said_at"], found["messages"]) == ({"facts": told}, [])


def test_what_has_no_place_on_this_page_stands_on_top_with_its_button() -> None:
    found = said_here(after_a_redirect(Said(sentence="Saved.", offer=UNDO, place="facts")), ["blocks"])
    page = render_to_string("portal/_messages.html", {"messages": found["messages"], "csrf_token": "x"})
    assert found["said_at"] == {}
    for part in ('action="/undo/"', 'name="version" value="&lt;3&gt;"', ">Undo</button>", "Saved.", "notice-success"):
        assert part in page


def test_an_ordinary_message_is_shown_as_before() -> None:
    request: Any = RequestFactory().get("/")
    request._messages = CookieStorage(request)
    messages.warning(request, "<b>Mind</b>", extra_tags="other")
    page = render_to_string("portal/_messages.html", {"messages": messages.get_messages(request)})
    assert "notice-warning" in page
    assert "&lt;b&gt;Mind&lt;/b&gt;" in page
    assert "<form" not in page
