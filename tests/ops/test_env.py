"""The environment helpers fail with the variable's name."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.settings import env


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("yes", True), ("On", True), ("0", False), ("false", False), ("", False)]
)
def test_a_flag_is_yes_or_no(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("FLAG", value)
    assert env.flag("FLAG", not meant) is meant


def test_a_flag_that_is_neither_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", "maybe")
    with pytest.raises(ImproperlyConfigured, match=r"FLAG.*'maybe'"):
        env.flag("FLAG", False)


@pytest.mark.parametrize(
    ("value", "words"), [("many", "FLAG must be a whole number"), ("0", "FLAG must be at least 1")]
)
def test_a_bad_number_names_the_variable(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("FLAG", value)
    with pytest.raises(ImproperlyConfigured, match=words):
        env.integer("FLAG", 1, least=1)


def test_a_list_may_be_unset_empty_or_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.maybe_words("LIST") is None
    monkeypatch.setenv("LIST", "")
    assert env.maybe_words("LIST") == []
    monkeypatch.setenv("LIST", "stages, metrics")
    assert env.maybe_words("LIST") == ["stages", "metrics"]


def test_a_database_url_is_read_in_all_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:p%40ss@db:5433/stageboard?sslmode=require")
    assert env.database("DATABASE_URL") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "stageboard",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://db/x", "PostgreSQL only"),
        ("postgresql://db", "must name a database"),
        ("postgresql://db:many/x", "port that is no number"),
    ],
)
def test_a_database_url_that_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, words: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match=f"DATABASE_URL.*{words}"):
        env.database("DATABASE_URL")
