"""Whose ping, and of when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from telemetry.reading.identity import NoIdentity, identity_of, moment_of


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-04-17T07:43:54.162Z", datetime(2020, 4, 17, 7, 43, 54, 162000, UTC)),
        ("2020-04-17T07:43:54.162+00:00", datetime(2020, 4, 17, 7, 43, 54, 162000, UTC)),
        ("2021-02-09 13:25:42 UTC", datetime(2021, 2, 9, 13, 25, 42, 0, UTC)),
        ("2021-02-09 13:25:42 +0200", datetime(2021, 2, 9, 11, 25, 42, 0, UTC)),
        ("2021-02-28T23:30:00-02:00", datetime(2021, 3, 1, 1, 30, 0, 0, UTC)),
    ],
)
def test_moments_are_read_as_senders_of_all_ages_write_them(text: str, moment: datetime) -> None:
    assert moment_of(text) == (moment, False)


def test_a_moment_without_zone_is_read_as_utc_and_marked() -> None:
    assert moment_of("2021-02-09 13:25:42") == (datetime(2021, 2, 9, 13, 25, 42, 0, UTC), True)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2021-02-30T10:00:00Z", "2021-02-09", "0001-01-01T00:00:00+23:00", "99999"]
)
def test_what_is_no_moment_is_not_guessed(text: str) -> None:
    assert moment_of(text) is None


def test_a_malformed_uuid_is_accepted() -> None:
    root = {"uuid": "0000000-0000-0000-0000-000000000000", "hostname": "a", "recorded_at": "2021-02-09 13:25:42 UTC"}
    assert identity_of(root).uuid == "0000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("key", ["uuid", "hostname", "recorded_at"])
@pytest.mark.parametrize("value", [None, "", "  ", 5, [], {}, "a\x00b", "\ud800", "x" * 300])
def test_a_missing_or_unreadable_identity_is_named(key: str, value: object) -> None:
    root: dict[str, object] = {"uuid": "u", "hostname": "h", "recorded_at": "2021-02-09 13:25:42 UTC", key: value}
    with pytest.raises(NoIdentity, match=key) as caught:
        identity_of(root)
    assert caught.value.key == key
