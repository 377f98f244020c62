from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from portal.context import initials
from portal.models import User
from portal.pages.errors import server_error
from portal.plugin import Attention, HomePanel, NavGroup, NavItem, PanelContent, Plugin, Role
from tests.conftest import WithPlugins


def a_plugin(**contributions: Any) -> Plugin:
    return Plugin(name="weather", title="Weather", summary="The weather.", **contributions)


def test_the_navigation_shows_what_the_reader_may_open(
    with_plugins: WithPlugins, viewer_client: Client, administrator_client: Client
) -> None:
    item = NavItem(group=NavGroup.CATALOG, label="Storms", url_name="portal:docs", role=Role.ADMINISTRATOR)
    with with_plugins(a_plugin(navigation=(item,))):
        assert "Storms" not in viewer_client.get("/docs/").content.decode()
        assert "Storms" in administrator_client.get("/docs/").content.decode()


def test_a_line_of_the_navigation_that_leads_nowhere_is_left_out(
    with_plugins: WithPlugins, viewer_client: Client
) -> None:
    item = NavItem(group=NavGroup.CATALOG, label="Storms", url_name="weather:none")
    with with_plugins(a_plugin(navigation=(item,))):
        answer = viewer_client.get("/docs/")
    assert answer.status_code == 200
    assert "Storms" not in answer.content.decode()


def test_the_line_of_the_page_is_marked(viewer_client: Client) -> None:
    html = viewer_client.get("/tasks/").content.decode()
    assert 'href="/tasks/" aria-current="page"' in html


@pytest.mark.parametrize(
    "path", ["/", "/docs/", "/search/", "/tasks/", "/status/", "/profile/", "/attention/", "/styleguide/"]
)
def test_pages_need_a_sign_in(anonymous_client: Client, path: str) -> None:
    answer = anonymous_client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", ["/", "/docs/", "/search/", "/tasks/", "/status/", "/profile/", "/attention/"])
def test_pages_open_for_every_viewer(viewer_client: Client, path: str) -> None:
    answer = viewer_client.get(path)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert html.count("<h1") == 1
    assert "style=" not in html
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_the_style_guide_is_for_administrators(viewer_client: Client, administrator_client: Client) -> None:
    assert viewer_client.get("/styleguide/").status_code == 403
    assert administrator_client.get("/styleguide/").status_code == 200


def test_home_shows_the_cards_and_what_waits(with_plugins: WithPlugins, viewer_client: Client) -> None:
    def card(request: HttpRequest) -> PanelContent:
        return PanelContent(template="portal/_attention_count.html", context={"count": 42}, as_of="today")

    def broken(user: User) -> list[tuple[str, str]]:
        raise ValueError("no list")

    plugin = a_plugin(
        home_panels=(HomePanel(name="sun", title="Sunshine", render=card),),
        attention=(
            Attention(name="Storm warnings", items=lambda user: [(f"A storm nears {user}", "/docs/")]),
            Attention(name="Broken list", items=broken),
        ),
    )
    with with_plugins(plugin):
        html = viewer_client.get("/").content.decode()
        count = viewer_client.get("/attention/count/").content.decode()
    assert "Sunshine" in html
    assert "A storm nears Viewer" in html
    assert "Broken list" in html
    assert "This list is unavailable right now" in html
    assert ">1<" in count


def test_the_colours_are_kept_in_a_cookie_and_lead_back(viewer_client: Client) -> None:
    answer = viewer_client.post("/theme/", {"theme": "dark", "next": "/docs/"})
    assert answer["Location"] == "/docs/"
    assert 'data-theme="dark"' in viewer_client.get("/docs/").content.decode()


def test_the_colours_do_not_lead_to_other_sites_and_know_only_three_words(viewer_client: Client) -> None:
    answer = viewer_client.post("/theme/", {"theme": "pink", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
    assert "theme" not in answer.cookies


def test_a_cookie_with_nonsense_means_to_follow_the_system(viewer_client: Client) -> None:
    viewer_client.cookies["theme"] = '"><script>'
    assert 'data-theme="auto"' in viewer_client.get("/docs/").content.decode()


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lovelace", "AL"), ("ada", "A"), ("ada.lovelace@example.com", "AC"), ("…", "?"), ("a b c", "AC")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_lost_address_offers_a_search_for_its_last_word(viewer_client: Client) -> None:
    answer = viewer_client.get("/nowhere/no/such/deep-page/")
    assert answer.status_code == 404
    assert 'value="deep page"' in answer.content.decode()


def test_a_forbidden_page_says_what_to_do(viewer_client: Client) -> None:
    answer = viewer_client.get("/styleguide/")
    assert "An administrator can give you a role" in answer.content.decode()


def test_an_error_page_asks_nothing_of_the_database(rf: Any, django_assert_num_queries: Any) -> None:
    from django.db import OperationalError

    try:
        raise OperationalError("the server closed the connection")
    except OperationalError:
        answer = server_error(rf.get("/"))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    try:
        raise ValueError("a fault")
    except ValueError:
        answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "fault of the portal, not yours" in answer.content.decode()


def test_nobody_signs_up_alone(anonymous_client: Client) -> None:
    assert "Accounts are made by an administrator" in anonymous_client.get("/accounts/signup/").content.decode()
    sent = {"username": "mallory", "email": "m@example.com", "password1": "long-enough-1", "password2": "long-enough-1"}
    anonymous_client.post("/accounts/signup/", sent)
    assert not User.objects.filter(username="mallory").exists()


def test_the_admin_uses_the_portal_s_sign_in(anonymous_client: Client) -> None:
    answer = anonymous_client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=%2Fadmin%2F")


def test_a_person_changes_their_name(viewer_client: Client, viewer: User) -> None:
    viewer_client.post("/profile/", {"display_name": "Vera"})
    viewer.refresh_from_db()
    assert str(viewer) == "Vera"
