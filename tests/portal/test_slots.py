"""Panels are drawn each on its own."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from portal.models import User
from portal.plugin import Panel, PanelContent, Plugin, Role, Slot
from tests.conftest import WithPlugins

SHELF = Slot("shelf", str, "A place of this test.")
STRIP = Slot("strip", str, "A place without frames.", framed=False)


def greeting(request: HttpRequest, subject: str) -> PanelContent:
    return PanelContent(template="portal/panel_unavailable.html", context={"title": f"about {subject}"})


def silent(request: HttpRequest, subject: str) -> None:
    return None


def broken(request: HttpRequest, subject: str) -> PanelContent:
    raise ValueError("no such figure")


def broken_in_the_database(request: HttpRequest, subject: str) -> PanelContent:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM portal_user")
    raise AssertionError("never reached")


def broken_in_its_template(request: HttpRequest, subject: str) -> PanelContent:
    return PanelContent(template="nowhere/at_all.html")


def plugin(*panels: tuple[str, Any], slot: Slot[str] = SHELF, role: Role = Role.VIEWER) -> Plugin:
    return Plugin(
        name="shelves",
        title="Shelves",
        summary="A plugin of this test.",
        panels=tuple(
            Panel(slot=slot, name=name, title=name.capitalize(), render=render, role=role, order=position)
            for position, (name, render) in enumerate(panels)
        ),
    )


def page(user: User | AnonymousUser, slot: Slot[str] = SHELF) -> str:
    request = RequestFactory().get("/shelf/?tab=2")
    request.user = user
    return Template("{% load portal_slots %}{% slot place subject %}").render(
        Context({"request": request, "place": slot, "subject": "books"})
    )


def test_a_panel_is_drawn_in_a_card_with_its_title(viewer: User, with_plugins: WithPlugins) -> None:
    with with_plugins(plugin(("welcome", greeting), ("nothing", silent))):
        html = page(viewer)
    assert "about books" in html
    assert 'id="panel-shelves-welcome-title">Welcome</h2>' in html
    assert "Nothing" not in html


def test_a_slot_without_frames_draws_the_bare_content(viewer: User, with_plugins: WithPlugins) -> None:
    with with_plugins(plugin(("welcome", greeting), slot=STRIP)):
        html = page(viewer, STRIP)
    assert "about books" in html
    assert ">Welcome</h2>" not in html


@pytest.mark.parametrize("failure", [broken, broken_in_the_database, broken_in_its_template])
def test_a_panel_that_fails_leaves_the_others_and_the_transaction_whole(
    failure: Any, viewer: User, with_plugins: WithPlugins, caplog: pytest.LogCaptureFixture
) -> None:
    with with_plugins(plugin(("sums", failure), ("welcome", greeting))), caplog.at_level(logging.ERROR):
        html = page(viewer)
    assert "unavailable just now" in html
    assert 'href="/shelf/?tab=2#panel-shelves-sums"' in html
    assert "about books" in html
    assert User.objects.filter(pk=viewer.pk).exists(), "the transaction must still be usable"
    (record,) = [record for record in caplog.records if record.name == "portal.panels"]
    assert "'shelves'" in record.getMessage()
    assert record.exc_info is not None


def test_a_panel_is_drawn_only_for_those_who_hold_its_role(
    viewer: User, editor: User, with_plugins: WithPlugins
) -> None:
    with with_plugins(plugin(("welcome", greeting), role=Role.EDITOR)):
        assert page(viewer) == ""
        assert page(AnonymousUser()) == ""
        assert "about books" in page(editor)


def test_a_name_instead_of_a_slot_object_is_refused(viewer: User) -> None:
    with pytest.raises(TemplateSyntaxError, match="needs a Slot object"):
        page(viewer, "shelf")  # type: ignore[arg-type]  # that is the mistake
