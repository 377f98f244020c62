"""Every leaf gets its state; no leaf costs another."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.reading.classify import Reading, State, classify
from telemetry.reading.document import parse
from telemetry.reading.issues import Issue, IssueKind, shown, storable
from tests.telemetry.reading.plans import Facts, SmallPlan, plan

PLAN = plan(
    Facts("counts.a", 1),
    Facts("counts.b", 2, data_category="operational"),
    Facts("counts.gone", 3, status="removed"),
    Facts("topology", None, "object"),
    Facts("git.version", None, "string"),
    Facts("flag", None, "boolean"),
    Facts("database.pg_system_id", 4),
    Facts("histogram", None, "object"),
)


def read(body: bytes | dict[str, Any], small: SmallPlan = PLAN, **options: Any) -> Reading:
    return classify(parse(body if isinstance(body, bytes) else json.dumps(body).encode()), small, **options)


@pytest.mark.parametrize(
    ("value", "state", "kind"),
    [
        ("-1", State.TIMED_OUT, IssueKind.TIMED_OUT),
        ("-1.0", State.TIMED_OUT, IssueKind.TIMED_OUT),
        ("-2", State.FAILED, IssueKind.FAILED),
        ("-3", State.NOT_COLLECTED, IssueKind.NOT_COLLECTED),
        ("-1000", State.DEPRECATED, IssueKind.DEPRECATED),
        ('{"-1": -1}', State.FAILED, IssueKind.FAILED),
        ("null", State.NULL, IssueKind.NULL),
        ('"12"', State.WRONG_TYPE, IssueKind.WRONG_TYPE),
        ("true", State.WRONG_TYPE, IssueKind.WRONG_TYPE),
        ("[1]", State.WRONG_TYPE, IssueKind.WRONG_TYPE),
        ('{"x": 1}', State.WRONG_TYPE, IssueKind.WRONG_TYPE),
        ("NaN", State.WRONG_TYPE, IssueKind.NOT_A_NUMBER),
        ("-Infinity", State.WRONG_TYPE, IssueKind.NOT_A_NUMBER),
        ("9" * 5000, State.WRONG_TYPE, IssueKind.TOO_LARGE),
        ("[" * 5000 + "]" * 5000, State.WRONG_TYPE, IssueKind.WRONG_TYPE),
    ],
)
def test_a_value_that_is_none_is_named_and_the_next_one_is_read(value: str, state: State, kind: IssueKind) -> None:
    reading = read(b'{"counts": {"a": %s, "b": 7}}' % value.encode())
    assert reading.readings == {1: state, 2: 7}
    assert kind in {issue.kind for issue in reading.issues if issue.key_path == "counts.a"}
    assert all(issue.sentence for issue in reading.issues)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("12", 12), ("0.996", Decimal("0.996")), (str(2**70), 2**70)])
def test_numbers_are_kept_exact(text: str, number: int | Decimal) -> None:
    assert read(b'{"counts": {"a": %s}}' % text.encode()).readings == {1: number}


def test_a_negative_number_that_is_no_sentinel_is_counted_and_told() -> None:
    reading = read(b'{"counts": {"a": -7}}')
    assert reading.readings == {1: -7}
    assert [issue.kind for issue in reading.issues if issue.key_path == "counts.a"] == [IssueKind.NEGATIVE]


def test_a_definition_on_an_object_makes_its_subtree_one_value() -> None:
    reading = read(
        {"topology": {"duration_s": 1, "nodes": [{"a": -1}]}, "git": {"version": {"major": 2}}, "flag": True}
    )
    assert reading.ok == 2
    assert reading.unknown_kinds == {}
    assert [(issue.kind, issue.key_path) for issue in reading.issues] == [(IssueKind.WRONG_TYPE, "git.version")]


def test_unknown_and_removed_keys_are_recognised() -> None:
    reading = read({"counts": {"gone": 4, "new": 5, "deeper": {"x": "y", "empty": {}}}, "list": [1]})
    assert reading.unknown_kinds == {"counts.new": "number", "counts.deeper.x": "string", "list": "list"}
    assert reading.readings == {3: 4}
    assert reading.counts == {IssueKind.UNKNOWN: 3, IssueKind.REMOVED: 1}


def test_categories_that_are_not_permitted_are_missing_even_when_absent() -> None:
    reading = read({"counts": {"a": 4}, "settings": {"collected_data_categories": ["standard", "Operational"]}})
    assert reading.about.categories == ("standard", "operational")
    assert reading.readings == {1: State.NOT_PERMITTED, 4: State.NOT_PERMITTED}


def test_without_a_list_of_categories_nothing_is_inferred() -> None:
    assert read({"counts": {"a": 4}}).about.categories is None


def test_a_key_with_a_dot_is_not_taken_for_a_path() -> None:
    reading = read({"counts.a": 999, "counts": {"a": 1}})
    assert reading.readings == {1: 1}
    assert reading.counts[IssueKind.DOTTED_KEY] == 1


def test_duplicate_keys_and_forbidden_characters_are_issues_of_their_key() -> None:
    reading = read(b'{"counts": {"a": 1, "a": 2, "b": 3}, "git": {"version": "2\\u0000"}, "x\\ud800": "y"}')
    assert reading.readings == {1: 2, 2: 3}
    named = {(issue.kind, issue.key_path) for issue in reading.issues}
    assert (IssueKind.DUPLICATE_KEY, "counts.a") in named
    assert (IssueKind.NUL_CHARACTER, "git.version") in named
    assert (IssueKind.LONE_SURROGATE, "x�") in named


def test_a_tree_of_leaves_is_kept_when_asked_for() -> None:
    leaves = read({"counts": {"a": -1, "b": 2, "c": 3}}, keep_leaves=True).leaves
    assert leaves is not None
    assert [(leaf.key_path, leaf.state) for leaf in leaves] == [
        ("counts.a", State.TIMED_OUT),
        ("counts.b", State.OK),
        ("counts.c", State.UNKNOWN),
    ]


def test_filling_back_records_only_what_is_asked_for() -> None:
    assert read({"counts": {"a": 1, "b": 2}}, only=frozenset({"counts.b"})).readings == {2: 2}


def test_the_words_of_the_report_are_cleaned() -> None:
    told = read(
        {
            "version": " 14.7.0-pre ",
            "edition": "EEU",
            "license_expires_at": "20001-01-01",
            "license_subscription_id": 42,
            "license_user_count": "many",
            "active_user_count": 10**30,
        }
    ).about
    assert (told.version, told.edition, told.license_expires_on) == ("14.7.0-pre", "EEU", date.max)
    assert (told.subscription, told.license_user_count, told.active_user_count) == ("42", None, None)


def test_keys_that_grow_quadratic_are_bounded() -> None:
    body = b"{" + b"".join(b'"%s": {' % (b"k" * 20_000) for _ in range(90)) + b'"a": 1' + b"}" * 91
    assert read(body).counts[IssueKind.UNKNOWN] == 1


def test_too_many_keys_are_cut_off_with_an_issue() -> None:
    reading = read(json.dumps({f"k{number}": 1 for number in range(60_000)}).encode())
    assert reading.counts[IssueKind.TOO_MANY_KEYS] == 1
    assert len(reading.unknown_kinds) <= 5_000


leaves = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from([-1, -2, -3, -1000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["counts", "topology", "git", "flag", "x"]), leaves), st.integers(0, 10**6))
def test_no_neighbour_costs_a_good_value(tree: dict[str, Any], good: int) -> None:
    tree["database"] = {"pg_system_id": good}
    reading = read(tree)
    assert reading.readings[4] == good
    for issue in reading.issues:
        assert issue.sentence
        assert Issue.from_json(issue.as_json()) == issue


@given(st.text(alphabet=st.characters(), max_size=30))
def test_what_is_shown_can_be_stored(text: str) -> None:
    assert "\x00" not in storable(text)
    shown(text).encode()
