"""Every route, page or API, opens to those whose role it states and to no one else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from portal.api.permissions import RolePermission
from portal.models import User
from portal.plugins.routes import Route, all_routes
from portal.roles import Role
from tests.conftest import browser_of

# What is open without sign-in: is it up, sign-in itself, the version check, and the doors for senders.
OPEN = (
    r"favicon\.ico",
    r"health/",
    r"health/prometheus",
    r"accounts/",
    r"theme/",
    r"api/\(",
    r"usage_data",
    r"usage_ping_metadata",
    r"usage_ping_errors",
    r"check\.(json|svg)",
    r"api/v1/pings/",
    r"telemetry/collected/",
)
# Django's admin and allauth state their permissions in their own way.
OTHERS = ("admin/", "accounts/")
EXAMPLES = {
    "int": "1",
    "str": "nothing",
    "slug": "nothing",
    "path": "nothing",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
REFUSED = {302, 401, 403}
OTHER_PERMISSIONS = {
    "KeyOrRole": "an ingest key reads its own records; RolePermission is asked about everyone else",
    "OwnKey": "only the ingest key of the installation itself, whatever role a person holds",
}


def stated(route: Route, *, writing: bool = False) -> Role | None:
    """The role that a route states for reading or writing."""
    if route.api_class is not None:
        action = getattr(route.view, "actions", {}).get("post" if writing else "get")
        by_action: dict[str, Role] = getattr(route.api_class, "action_roles", {})
        if action in by_action:
            return by_action[action]
        role = getattr(route.api_class, "write_role" if writing else "read_role", None)
        return role if isinstance(role, Role) else None
    return route.page_role


def example(route: Route) -> str:
    """An address that the route matches, of something that is not there."""
    url = re.sub(r"\(\?P<month>[^)]*\)", "2026-10", route.pattern)
    url = re.sub(r"\(\?P<digest>[^)]*\)", "0" * 32, url)
    url = re.sub(r"\(\?P<form>([a-z]+)[^)]*\)", r"\1", url)
    url = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "nothing", url)
    url = re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES.get(found[1] or "str", "nothing"), url)
    return "/" + url.replace("(?:.*/)?", "nothing/").replace("\\Z", "").replace("$", "").replace("\\", "")


def our_routes() -> list[Route]:
    return [route for route in all_routes() if not route.pattern.startswith(OTHERS)]


def reachable_routes() -> list[Route]:
    """Those whose example leads to them: a key of a shape of its own leads to the API's "not found" instead."""
    return [route for route in our_routes() if resolve(example(route)).func is route.view]


@pytest.fixture
def cast(
    viewer: User, editor: User, owner: User, reviewer: User, administrator: User
) -> dict[str, tuple[Client, frozenset[Role]]]:
    """Everyone, with a browser each and the roles they hold."""
    everyone = {
        "viewer": (viewer, {Role.VIEWER}),
        "editor": (editor, {Role.VIEWER, Role.EDITOR}),
        "owner": (owner, {Role.VIEWER, Role.METRIC_OWNER}),
        "reviewer": (reviewer, {Role.VIEWER, Role.METRIC_OWNER, Role.REVIEWER}),
        "administrator": (administrator, set(Role)),
    }
    return {name: (browser_of(user), frozenset(roles | {Role.ANONYMOUS})) for name, (user, roles) in everyone.items()}


def test_every_route_states_a_role() -> None:
    silent = [route.pattern for route in our_routes() if stated(route) is None]
    assert silent == []


def test_every_api_view_asks_for_the_role_it_states() -> None:
    """A view with permission classes of its own could state one thing and do another."""
    others = [
        route.pattern
        for route in our_routes()
        if route.api_class is not None
        and stated(route) is not Role.ANONYMOUS
        and not any(
            issubclass(one, RolePermission) or one.__name__ in OTHER_PERMISSIONS
            for one in route.api_class.permission_classes
        )
    ]
    assert others == []


def test_nearly_every_route_is_reached_by_its_example() -> None:
    """Else the walks below would prove little."""
    assert len(reachable_routes()) >= 0.95 * len(our_routes())


def test_only_what_is_meant_to_be_open_is_open() -> None:
    open_routes = [
        route.pattern for route in our_routes() if Role.ANONYMOUS in {stated(route), stated(route, writing=True)}
    ]
    unexpected = [pattern for pattern in open_routes if not any(re.match(known, pattern) for known in OPEN)]
    assert unexpected == []


def tried(method: Callable[..., Any], route: Route) -> int:
    """The status of a request. What is streamed is read, so that its queries run before the test ends."""
    response = method(example(route))
    if response.streaming:
        list(response)
    status: int = response.status_code
    return status


def test_without_sign_in_every_other_route_is_closed_to_reading_and_writing(anonymous_client: Client) -> None:
    wrong = []
    for route in reachable_routes():
        for name, writing in (("get", False), ("post", True)):
            role = stated(route, writing=writing) or stated(route)
            if role is Role.ANONYMOUS:
                continue
            status = tried(getattr(anonymous_client, name), route)
            # 405 comes before the question who is asking, and says nothing about what is there.
            if status not in REFUSED | {405}:
                wrong.append(f"{name} {example(route)}: {status}")
    assert not wrong, "\n".join(wrong)


def for_keys_only(route: Route) -> bool:
    """Whether no person is let in at all."""
    return any(one.__name__ == "OwnKey" for one in getattr(route.api_class, "permission_classes", ()))


def refusals(cast: dict[str, tuple[Client, frozenset[Role]]]) -> Iterator[str]:
    """Where what a route does differs from what it states."""
    for route in reachable_routes():
        role = stated(route)
        for name, (client, roles) in cast.items():
            status = tried(client.get, route)
            if status >= 500:
                yield f"{name} GET {example(route)}: {status}"
            elif role in roles and status in {401, 403} and not for_keys_only(route):
                yield f"{name} holds {role} and is refused {example(route)}"
            elif role not in roles and status not in {401, 403, 405}:
                yield f"{name} does not hold {role} and gets {status} from {example(route)}"
            write_role = stated(route, writing=True)
            if write_role is not None and write_role not in roles:
                status = tried(client.post, route)
                if status not in {401, 403, 405}:
                    yield f"{name} does not hold {write_role} and posts to {example(route)}: {status}"


def test_each_role_reads_and_writes_what_is_stated_and_nothing_else(
    cast: dict[str, tuple[Client, frozenset[Role]]],
) -> None:
    wrong = list(refusals(cast))
    assert not wrong, "\n".join(wrong)


def test_the_admin_is_for_administrators(cast: dict[str, tuple[Client, frozenset[Role]]]) -> None:
    for name, (client, _) in cast.items():
        assert (client.get("/admin/").status_code == 200) == (name == "administrator"), name
