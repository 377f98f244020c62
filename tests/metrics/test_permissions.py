"""What the plugin says that roles may do is what its pages let them do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client

from metrics.definitions.review import propose_change
from metrics.models import MetricDefinition
from metrics.plugin import plugin
from portal.models import User
from portal.permissions import may
from tests.metrics.world import a_metric, report


@pytest.fixture
def world(catalog: None, administrator: User) -> MetricDefinition:
    metric = a_metric("usage.push")
    report("a", "2026-10-05", {metric: 1})
    propose_change(definition=metric, changes={"description": "other"}, reason="clearer", actor=administrator)
    return metric


ACTS = {
    "metrics.propose_change": "/metrics/usage.push/propose/",
    "metrics.map_metric": "/metrics/mapping/map/",
    "metrics.close_month": "/figures/months/2026-10/close/",
    "metrics.label_installation": "/figures/labels/",
    "metrics.change_subscription": "/figures/subscriptions/preview/",
}
"""By right an address that only those who hold it may post to. (Deciding about a proposal answers 422 instead.)"""


def test_every_right_is_tried() -> None:
    assert {one.codename for one in plugin.permissions} == {*ACTS, "metrics.decide_change"}


@pytest.mark.parametrize("codename", ACTS)
def test_a_right_is_held_by_those_whom_its_page_lets_in(
    world: MetricDefinition,
    codename: str,
    viewer: User,
    owner: User,
    analyst: User,
    editor: User,
    administrator: User,
    browser: Callable[[AbstractBaseUser], Client],
) -> None:
    holders = 0
    for user in (viewer, owner, analyst, editor, administrator):
        let_in = browser(user).post(ACTS[codename], {}).status_code != 403
        assert let_in is may(user, codename), user
        holders += let_in
    assert 0 < holders < 5


def test_only_those_who_may_decide_are_asked_to(
    world: MetricDefinition, viewer: User, owner: User, analyst: User, browser: Callable[[AbstractBaseUser], Client]
) -> None:
    address = f"/metrics/reviews/{world.proposals.get().pk}/"
    for user in (viewer, owner, analyst):
        asked = 'value="approve"' in browser(user).get(address).content.decode()
        assert asked is may(user, "metrics.decide_change"), user
