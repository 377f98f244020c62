"""People are told things in the portal at once, and by e-mail as they prefer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client

from portal import notify as notifying
from portal.models import Notification, User
from portal.notify import forget_old, holders, notify, notify_role, send_due_mail, unread_count
from portal.plugin import Role
from tests.builders import a_user


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The wake-ups that were given."""
    given: list[tuple[str, str]] = []
    monkeypatch.setattr(notifying, "wake", lambda queue, task: given.append((queue, task)))
    return given


def test_a_notification_is_listed_counted_and_read_by_following_it(viewer: User, viewer_client: Client) -> None:
    row = notify(user=viewer, sentence="Your proposal was approved.", url="/profile/", topic="Reviews")
    assert row is not None
    assert unread_count(viewer) == 1
    page = viewer_client.get("/notifications/").content.decode()
    assert "Your proposal was approved." in page
    assert "1<span" in viewer_client.get("/attention/count/").content.decode()
    response = viewer_client.get(f"/notifications/{row.pk}/")
    assert (response.status_code, response["Location"]) == (302, "/profile/")
    assert unread_count(viewer) == 0


def test_a_row_does_not_lead_out_of_the_portal(viewer: User, viewer_client: Client) -> None:
    row = notify(user=viewer, sentence="Look here.", url="https://evil.example/")
    assert row is not None
    assert viewer_client.get(f"/notifications/{row.pk}/")["Location"] == "/notifications/"


def test_no_one_reads_what_was_told_to_another(viewer: User, editor_client: Client) -> None:
    row = notify(user=viewer, sentence="For you alone.")
    assert row is not None
    assert editor_client.get(f"/notifications/{row.pk}/").status_code == 404
    assert "For you alone." not in editor_client.get("/notifications/").content.decode()


def test_all_are_marked_as_read_at_once(viewer: User, viewer_client: Client) -> None:
    for number in range(3):
        notify(user=viewer, sentence=f"Line {number}.")
    viewer_client.post("/notifications/read/")
    assert unread_count(viewer) == 0
    assert "You have read everything" in viewer_client.get("/notifications/?unread=1").content.decode()


def test_what_has_a_key_is_told_once(viewer: User) -> None:
    assert notify(user=viewer, sentence="October is closed.", once_key="closed:2026-10") is not None
    assert notify(user=viewer, sentence="October is closed.", once_key="closed:2026-10") is None
    assert viewer.notifications.count() == 1


def test_a_role_is_told_within_its_scopes_and_the_administrators_where_no_one_holds_it(
    administrator: User, reviewer: User
) -> None:
    a_user("closed", "reviewer", is_active=False)
    local = a_user("local", "reviewer@shelf:top")
    assert holders(Role.REVIEWER) == [reviewer]
    assert set(holders(Role.REVIEWER, ["shelf:top"])) == {reviewer, local}
    assert holders(Role.EDITOR) == [administrator]
    told = notify_role(role=Role.REVIEWER, sentence="A definition waits.", scopes=["shelf:top"])
    assert {row.user for row in told} == {reviewer, local}


def test_the_mail_is_sent_after_the_commit_and_only_once(
    viewer: User, woken: list[tuple[str, str]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        notify(user=viewer, sentence="Your import has ended.", url="/tasks/")
        assert woken == []
    assert woken == [("default", "portal.tasks.mail_notifications")]
    assert (send_due_mail(), send_due_mail()) == (1, 0)
    (message,) = mail.outbox
    assert message.to == ["viewer@example.com"]
    assert message.subject == "[Stageboard] Your import has ended."
    assert "http://localhost:8000/tasks/" in str(message.body)


def test_a_line_break_in_a_sentence_does_not_reach_the_head_of_the_mail(viewer: User) -> None:
    notify(user=viewer, sentence="Hello\nBcc: x@evil.example")
    send_due_mail()
    assert mail.outbox[0].subject == "[Stageboard] Hello Bcc: x@evil.example"


def test_the_daily_mail_gathers_the_day(viewer: User, clock: Any) -> None:
    clock.at("2026-11-02 09:00")
    viewer.mail = "daily"
    viewer.save()
    notify(user=viewer, sentence="One.")
    notify(user=viewer, sentence="Two.")
    clock.at("2026-11-03 06:59")
    assert send_due_mail() == 0
    clock.at("2026-11-03 07:00")
    assert send_due_mail() == 1
    assert mail.outbox[0].subject == "[Stageboard] 2 notifications"


def test_who_wants_no_mail_and_service_accounts_get_none(viewer: User) -> None:
    viewer.mail = "never"
    viewer.save()
    service = a_user("ci")
    service.is_service = True
    assert notify(user=viewer, sentence="One.") is not None
    assert notify(user=service, sentence="One.") is None
    assert send_due_mail() == 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"mail": "never"}])
def test_who_leaves_or_wants_no_mail_any_more_gets_none_about_what_was_told_before(
    viewer: User, change: dict[str, Any]
) -> None:
    notify(user=viewer, sentence="One.")
    User.objects.filter(pk=viewer.pk).update(**change)
    assert send_due_mail() == 0
    assert mail.outbox == []


def test_a_mail_server_that_fails_is_tried_again(viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> int:
        raise ConnectionRefusedError

    notify(user=viewer, sentence="One.")
    with monkeypatch.context() as patch:
        patch.setattr("portal.notify.EmailMessage.send", refuse)
        assert send_due_mail() == 0
    assert send_due_mail() == 1


def test_the_preference_is_kept(viewer: User, viewer_client: Client) -> None:
    viewer_client.post("/notifications/mail/", {"mail": "daily"})
    viewer_client.post("/notifications/mail/", {"mail": "hourly"})
    viewer.refresh_from_db()
    assert viewer.mail == "daily"


def test_what_was_read_long_ago_is_deleted_and_what_is_unread_stays(viewer: User, clock: Any) -> None:
    clock.at("2026-01-01")
    notify(user=viewer, sentence="Read.")
    notifying.mark_read(user=viewer)
    notify(user=viewer, sentence="Unread.")
    clock.move(timedelta(days=181))
    assert forget_old() == 1
    assert [row.sentence for row in Notification.objects.all()] == ["Unread."]
