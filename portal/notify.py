"""Telling people things: a line in the portal at once, an e-mail as each prefers.

``notify`` may be called inside a transaction and only writes rows. The e-mail is sent by a task that looks for rows
that are due; the wake-up after commit is a hint, and the timetable finds what a lost hint left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.models import MailPreference, Notification, User
from portal.roles import Role
from portal.wakeups import wake

logger = logging.getLogger("portal.notify")

MAIL_TASK = "portal.tasks.mail_notifications"
DAILY_HOUR = 7
KEPT = timedelta(days=180)
TRIED_FOR = timedelta(days=2)
"""An address that has refused for so long gets no more attempts; the line stays in the portal."""
PEOPLE_PER_RUN = 200


def notify(*, user: User, sentence: str, url: str = "", topic: str = "", once_key: str = "") -> Notification | None:
    """Tell one person. With a ``once_key``, the same thing is told once, however often this runs.

    Service accounts and people who have left are not told anything; then, and for a repetition, there is no row.
    """
    told = notify_all(users=[user], sentence=sentence, url=url, topic=topic, once_key=once_key)
    return told[0] if told else None


def notify_role(
    *, role: Role, sentence: str, url: str = "", topic: str = "", once_key: str = "", scopes: Iterable[str] = ()
) -> list[Notification]:
    """Tell everyone who holds a role, for everything or within one of ``scopes``; the administrators if no one does."""
    return notify_all(users=holders(role, scopes), sentence=sentence, url=url, topic=topic, once_key=once_key)


def holders(role: Role, scopes: Iterable[str] = ()) -> list[User]:
    """The people to turn to for a role. Administrators hold every role, but are only asked where no one else can be."""
    people = User.objects.filter(is_active=True, is_service=False)
    if role is Role.VIEWER:
        return list(people)
    administrators = Q(is_superuser=True) | Q(role_grants__role=Role.ADMINISTRATOR.value, role_grants__scope="")
    if role is not Role.ADMINISTRATOR:
        holding = Q(role_grants__role=role.value, role_grants__scope__in=["", *scopes])
        found = list(people.filter(holding).distinct())
        if found:
            return found
    return list(people.filter(administrators).distinct())


def notify_all(
    *, users: Iterable[User], sentence: str, url: str = "", topic: str = "", once_key: str = ""
) -> list[Notification]:
    """Tell several people the same thing."""
    now = timezone.now()
    rows = [
        Notification(
            user=user,
            sentence=sentence[:500],
            url=url[:500],
            topic=topic[:100],
            once_key=once_key[:200],
            mail_due_at=mail_due(user, now),
        )
        for user in users
        if user.is_active and not user.is_service
    ]
    if not rows:
        return []
    with transaction.atomic():
        if once_key:
            known = set(
                Notification.objects.filter(once_key=once_key, user__in=[row.user for row in rows]).values_list(
                    "user_id", flat=True
                )
            )
            rows = [row for row in rows if row.user_id not in known]
            # Another process may be telling the same at this moment; the constraint decides, quietly.
            Notification.objects.bulk_create(rows, ignore_conflicts=True)
        else:
            Notification.objects.bulk_create(rows)
        if any(row.mail_due_at is not None and row.mail_due_at <= now for row in rows):
            transaction.on_commit(lambda: wake("default", MAIL_TASK))
    return rows


def mail_due(user: User, now: datetime) -> datetime | None:
    """When the e-mail about something told now is due; ``None`` for who wants or can have none."""
    if not user.email or user.mail == MailPreference.NEVER:
        return None
    if user.mail == MailPreference.AT_ONCE:
        return now
    today = now.replace(hour=DAILY_HOUR, minute=0, second=0, microsecond=0)
    return today if now < today else today + timedelta(days=1)


def unread_count(user: User) -> int:
    """How many lines a person has not read."""
    return user.notifications.filter(read_at=None).count()


def mark_read(*, user: User, ids: Iterable[int] | None = None) -> int:
    """Mark all, or those named, as read; what was read stays as it was."""
    rows = user.notifications.filter(read_at=None)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return rows.update(read_at=timezone.now())


def send_due_mail() -> int:
    """Send what is due, one e-mail per person; says how many. Safe to run twice at once: rows are locked."""
    sent = 0
    now = timezone.now()
    due = Notification.objects.filter(mailed_at=None, mail_due_at__lte=now, mail_due_at__gt=now - TRIED_FOR)
    # Who left or wants no mail any more since a line was written gets none about it either.
    due = due.filter(user__is_active=True).exclude(user__mail=MailPreference.NEVER)
    people = due.order_by().values_list("user_id", flat=True).distinct()[:PEOPLE_PER_RUN]
    for user_id in list(people):
        with transaction.atomic():
            rows = list(
                due.filter(user_id=user_id)
                .select_for_update(skip_locked=True, of=("self",))
                .select_related("user")
                .order_by("created_at")
            )
            if rows and send_one(rows):
                Notification.objects.filter(pk__in=[row.pk for row in rows]).update(mailed_at=timezone.now())
                sent += 1
    return sent


def send_one(rows: list[Notification]) -> bool:
    """One e-mail with all lines of a person. A mail server that fails is logged and tried again by the next run."""
    user = rows[0].user
    subject = rows[0].sentence if len(rows) == 1 else f"{len(rows)} notifications"
    message = EmailMessage(
        subject=f"[Stageboard] {' '.join(subject.split())}"[:200],
        body=body_of(rows),
        to=[user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except OSError:
        # smtplib's errors are OSErrors too.
        logger.exception("e-mail to user %s could not be sent", user.pk)
        return False
    return True


def body_of(rows: list[Notification]) -> str:
    """The lines with their addresses, and how to stop them."""
    base = settings.PORTAL_URL.rstrip("/")
    lines = [f"{row.sentence}\n{base}{row.url}\n" if row.url else f"{row.sentence}\n" for row in rows]
    return "\n".join([*lines, f"-- \nHow often you get this: {base}/notifications/"])


def forget_old() -> int:
    """Delete what was read and is older than half a year; says how many."""
    old = Notification.objects.filter(read_at__isnull=False, created_at__lt=timezone.now() - KEPT)
    deleted, _ = old.delete()
    return deleted
