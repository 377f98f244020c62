"""Roles are given and taken by administrators, within scopes, with a reason that is kept; one administrator stays."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from portal.history import history_of_all
from portal.models import ApiToken, RoleGrant, User
from portal.people import LastAdministrator, RoleNotGiven, give_role, set_active, take_role
from portal.permissions import has_role, has_role_anywhere, may
from portal.plugin import Permission, Plugin, Role, ScopeSource
from tests.builders import a_token, a_user, bearer
from tests.conftest import WithPlugins

SHELVES = Plugin(
    name="shelves",
    title="Shelves",
    summary="A plugin of this test.",
    scopes=(ScopeSource(name="shelf", title="Shelf", choices=lambda: [("shelf:top", "Top shelf")]),),
    permissions=(Permission(codename="shelves.move_book", sentence="Move books.", roles=(Role.EDITOR,)),),
)


def test_a_role_for_everything_holds_in_every_scope(editor: User) -> None:
    assert has_role(editor, Role.EDITOR)
    assert has_role(editor, Role.EDITOR, ["shelf:top"])
    assert not has_role(editor, Role.REVIEWER)


def test_a_role_within_a_scope_holds_there_only(db: None) -> None:
    maker = a_user("maker", "editor@shelf:top")
    assert has_role(maker, Role.EDITOR, ["shelf:top", "wall:north"])
    assert not has_role(maker, Role.EDITOR)
    assert not has_role(maker, Role.EDITOR, ["shelf:low"])
    assert has_role_anywhere(maker, Role.EDITOR)


def test_an_administrator_holds_every_role_and_a_closed_account_none(administrator: User) -> None:
    assert all(has_role(administrator, role) for role in Role)
    administrator.is_active = False
    assert not has_role(administrator, Role.VIEWER)


def test_an_administrator_by_grant_may_use_the_admin_site(administrator: User, editor: User) -> None:
    assert administrator.has_module_perms("portal")
    assert administrator.has_perm("portal.view_user")
    assert not editor.has_perm("portal.view_user")


def test_a_permission_of_a_plugin_is_held_by_its_roles(editor: User, viewer: User, with_plugins: WithPlugins) -> None:
    with with_plugins(SHELVES):
        assert may(editor, "shelves.move_book")
        assert not may(viewer, "shelves.move_book")
        assert may(a_user("maker", "editor@shelf:top"), "shelves.move_book", ["shelf:top"])
    assert not may(editor, "shelves.move_book"), "what no plugin brings is no one's"


def test_a_role_is_given_once_with_its_reason(administrator: User, viewer: User) -> None:
    for _ in range(2):
        give_role(user=viewer, role=Role.EDITOR, actor=administrator, reason="joins the team")
    assert viewer.role_grants.count() == 1
    (entry,) = history_of_all(RoleGrant, keys=[viewer.role_grants.get().pk])
    assert (entry.who, entry.why) == (administrator, "joins the team")
    assert has_role(viewer, Role.EDITOR)


def test_a_scope_that_no_plugin_offers_and_a_role_that_all_have_are_refused(administrator: User, viewer: User) -> None:
    with pytest.raises(RoleNotGiven, match="shelf:none"):
        give_role(user=viewer, role=Role.EDITOR, scope="shelf:none", actor=administrator, reason="")
    with pytest.raises(RoleNotGiven, match="viewer"):
        give_role(user=viewer, role=Role.VIEWER, actor=administrator, reason="")
    with pytest.raises(RoleNotGiven, match="for everything"):
        give_role(user=viewer, role=Role.ADMINISTRATOR, scope="shelf:top", actor=administrator, reason="")


def test_the_last_administrator_stays(administrator: User) -> None:
    grant = administrator.role_grants.get()
    with pytest.raises(LastAdministrator):
        take_role(grant=grant, actor=administrator, reason="")
    with pytest.raises(LastAdministrator):
        set_active(user=administrator, active=False, actor=administrator, reason="")
    a_user("closed", "administrator", is_active=False)
    with pytest.raises(LastAdministrator):
        take_role(grant=grant, actor=administrator, reason="")
    other = a_user("other", "administrator", is_staff=True)
    take_role(grant=grant, actor=administrator, reason="hands over")
    administrator.refresh_from_db()
    assert not administrator.is_staff, "the admin site is for administrators"
    with pytest.raises(LastAdministrator):
        set_active(user=other, active=False, actor=other, reason="")


def test_a_plugin_that_cannot_tell_its_scopes_does_not_take_the_page(
    administrator_client: Client, viewer: User, with_plugins: WithPlugins
) -> None:
    def broken() -> list[tuple[str, str]]:
        raise ValueError("no shelves")

    wrong = Plugin(
        name="shelves", title="S", summary="S", scopes=(ScopeSource(name="shelf", title="Shelf", choices=broken),)
    )
    with with_plugins(wrong):
        assert administrator_client.get(f"/people/{viewer.pk}/").status_code == 200


def test_only_administrators_see_the_pages_of_people(
    viewer_client: Client, reviewer_client: Client, editor_client: Client, viewer: User
) -> None:
    for client in (viewer_client, reviewer_client, editor_client):
        for url in ("/people/", f"/people/{viewer.pk}/", "/people/history/", "/people/add/"):
            assert client.get(url).status_code == 403
        gift = {"role": "administrator", "reason": "because"}
        assert client.post(f"/people/{viewer.pk}/give/", gift).status_code == 403
    assert not viewer.role_grants.exists()


def test_a_role_is_given_and_taken_on_the_page(
    administrator_client: Client, viewer: User, with_plugins: WithPlugins
) -> None:
    with with_plugins(SHELVES):
        url = f"/people/{viewer.pk}/"
        assert "Top shelf" in administrator_client.get(url).content.decode()
        gift = {"role": "editor", "scope": "shelf:top", "reason": "looks after it"}
        page = administrator_client.post(f"{url}give/", gift, follow=True).content.decode()
        assert "Shelf: Top shelf" in page
        assert "looks after it" in page, "the reason stands in the history"
        grant = viewer.role_grants.get()
        taken = administrator_client.post(f"/people/grants/{grant.pk}/take/", {"reason": "moved"}, follow=True)
        assert "moved" in taken.content.decode()
        assert "moved" in administrator_client.get("/people/history/").content.decode()
    assert not viewer.role_grants.exists()


def test_a_role_without_a_reason_is_refused_beside_the_field(administrator_client: Client, viewer: User) -> None:
    response = administrator_client.post(f"/people/{viewer.pk}/give/", {"role": "editor", "scope": ""})
    assert response.status_code == 422
    assert "Reason: This field is required." in response.content.decode()


def test_the_page_says_why_the_last_administrator_stays(administrator: User, administrator_client: Client) -> None:
    grant = administrator.role_grants.get()
    page = administrator_client.post(f"/people/grants/{grant.pk}/take/", {"reason": "x"}, follow=True)
    assert "last administrator" in page.content.decode()
    assert RoleGrant.objects.filter(pk=grant.pk).exists()


def test_people_are_found_by_name_role_and_kind(
    administrator_client: Client, editor: User, viewer: User, with_plugins: WithPlugins
) -> None:
    with with_plugins(SHELVES):
        page = administrator_client.get("/people/", {"role": "editor"}).content.decode()
    assert "<td>editor</td>" in page
    assert "<td>viewer</td>" not in page
    assert "Move books." in page, "the page says what each role may do"
    assert (
        "No account fits" in administrator_client.get("/people/", {"q": "nobody", "kind": "service"}).content.decode()
    )


def test_a_person_is_added_and_sent_a_link_to_set_a_password(administrator_client: Client) -> None:
    form = {"username": "ada", "email": "ada@example.com", "display_name": "Ada"}
    administrator_client.post("/people/add/", form)
    user = User.objects.get(username="ada")
    assert not user.has_usable_password()
    (message,) = mail.outbox
    assert message.to == ["ada@example.com"]
    assert re.search(r"http://testserver/accounts/password/reset/key/\S+", str(message.body))
    again = administrator_client.post("/people/add/", form)
    assert again.status_code == 422
    assert "already exists" in again.content.decode()


def test_a_service_account_works_by_token_only(administrator_client: Client, client: Client) -> None:
    administrator_client.post("/people/add-service/", {"username": "ci-imports", "display_name": "Imports"})
    service = User.objects.get(username="ci-imports")
    form = {"name": "nightly", "scopes": ["read"], "ends": "0"}
    page = administrator_client.post(f"/people/{service.pk}/tokens/", form).content.decode()
    secret = re.search(r"sbt_[\w-]+", page)
    assert secret is not None
    assert client.get("/api/v1/", headers=bearer(secret.group())).status_code == 200
    token = service.api_tokens.get()
    assert token.expires_at is None
    administrator_client.post(f"/account/tokens/{token.pk}/revoke/")
    assert client.get("/api/v1/", headers=bearer(secret.group())).status_code == 401


def test_a_closed_account_is_signed_out_and_its_tokens_stop(
    administrator: User, viewer: User, viewer_client: Client, client: Client
) -> None:
    secret, _ = a_token(viewer)
    set_active(user=viewer, active=False, actor=administrator, reason="left")
    assert viewer_client.get("/").status_code == 302
    assert client.get("/api/v1/", headers=bearer(secret)).status_code == 401


def test_no_one_makes_a_token_for_someone_else(administrator_client: Client, viewer: User) -> None:
    form = {"name": "x", "scopes": ["read"], "ends": "30"}
    assert administrator_client.post(f"/people/{viewer.pk}/tokens/", form).status_code == 404
    assert not ApiToken.objects.exists()


def test_a_service_account_cannot_sign_in_even_with_a_password(client: Client, db: None) -> None:
    service = a_user("ci")
    service.is_service = True
    service.set_password("a-password-all-the-same")
    service.save()
    client.post("/accounts/login/", {"login": "ci", "password": "a-password-all-the-same"})
    assert "_auth_user_id" not in client.session
