"""Each change is kept with who, when and why, and can be told apart field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.response import Response

from portal.history import Action, because, history_of, history_of_key, last_change
from portal.models import Job, RoleGrant, User
from portal.plugin import ApiRoute, Plugin, Role
from tests.builders import a_token, a_user, bearer
from tests.portal.api.test_door import Jobs


def test_a_change_made_by_a_verb_says_who_and_why(administrator: User, viewer: User) -> None:
    with because("They edit Create now", actor=administrator):
        grant = RoleGrant.objects.create(user=viewer, role="editor", scope="stage:create", granted_by=administrator)
    (entry,) = history_of(grant)
    assert (entry.action, entry.who, entry.why) == (Action.CREATED, administrator, "They edit Create now")
    shown = {change.field: change.after_text for change in entry.changes}
    assert shown["role"] == "editor"
    assert shown["user"] == "Viewer", "a reference is shown by its name"


def test_an_update_names_each_field_from_what_to_what(viewer: User) -> None:
    grant = RoleGrant.objects.create(user=viewer, role="editor", scope="stage:create")
    RoleGrant.objects.filter(pk=grant.pk).update(scope="stage:plan")
    entry = last_change(grant)
    assert entry is not None
    (change,) = entry.changes
    assert (change.field, change.before, change.after) == ("scope", "stage:create", "stage:plan")
    assert entry.who_text == "the system"


def test_the_history_of_what_is_gone_can_still_be_read(viewer: User) -> None:
    grant = RoleGrant.objects.create(user=viewer, role="editor")
    key = grant.pk
    grant.delete()
    assert [entry.action for entry in history_of_key(RoleGrant, key)] == [Action.DELETED, Action.CREATED]


def test_two_reasons_in_one_transaction_stay_apart_and_end(viewer: User) -> None:
    with transaction.atomic():
        with because("first"):
            first = RoleGrant.objects.create(user=viewer, role="editor")
        with because("outer"):
            with because("second"):
                second = RoleGrant.objects.create(user=viewer, role="reviewer")
            third = RoleGrant.objects.create(user=viewer, role="metric_owner")
        last = RoleGrant.objects.create(user=viewer, role="viewer")
    reasons = [history_of(grant)[0].why for grant in (first, second, third, last)]
    assert reasons == ["first", "second", "outer", ""]


def test_many_entries_cost_few_queries(viewer: User, queries: Any) -> None:
    grant = RoleGrant.objects.create(user=viewer, role="editor", scope="0")
    for number in range(1, 30):
        RoleGrant.objects.filter(pk=grant.pk).update(scope=str(number))
    with queries() as ran:
        entries = history_of(grant, limit=10)
    assert [entry.changes[0].before for entry in entries][:2] == ["28", "27"]
    assert entries[-1].changes[0].before == "19", "the entry before the oldest one shown is looked up"
    assert len(ran) <= 3


def test_a_model_without_history_is_refused_with_a_hint(db: None) -> None:
    with pytest.raises(LookupError, match="keeps no history"):
        history_of(Job.objects.create(name="a"))


@pytest.fixture
def grants(with_plugins: Any, db: None) -> Iterator[None]:
    """A page and a route of this test that give a role."""

    class Grants(Jobs):
        read_role = Role.VIEWER
        write_role = Role.VIEWER

        def create(self, request: Any, *args: Any, **kwargs: Any) -> Response:
            RoleGrant.objects.create(user=request.user, role="editor")
            return Response({}, status=201)

    route = ApiRoute(prefix="shelf-grants", viewset=Grants, basename="shelf-grant")
    with with_plugins(Plugin(name="shelves", title="Shelves", summary="Of this test.", api=(route,))):
        yield


def test_a_request_leaves_its_person_address_and_id(grants: None, viewer: User, viewer_client: Client) -> None:
    response = viewer_client.post("/api/v1/shelf-grants/", {}, headers={"X-Request-ID": "from-the-proxy"})
    assert response["X-Request-ID"] == "from-the-proxy"
    (entry,) = history_of(RoleGrant.objects.get())
    assert (entry.who, entry.url, entry.request_id) == (viewer, "/api/v1/shelf-grants/", "from-the-proxy")


def test_a_request_by_token_leaves_the_tokens_owner(grants: None, client: Client) -> None:
    job = a_user("ci-job")
    secret, _ = a_token(job, "write")
    assert client.post("/api/v1/shelf-grants/", {}, headers=bearer(secret)).status_code == 201
    assert history_of(RoleGrant.objects.get())[0].who == job


def test_an_id_that_is_no_plain_word_is_replaced(client: Client, db: None) -> None:
    response = client.get("/accounts/login/", headers={"X-Request-ID": "a b\x07 {injected}"})
    assert response["X-Request-ID"].isalnum()
