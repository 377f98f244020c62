"""Pages of the host that need an argument, with something to show."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.models import Job

NAME = "Fill back the readings of counts.action_monthly_active_users_project_repo_with_a_very_long_key"


def a_running_task() -> str:
    now = timezone.now()
    job = Job.objects.create(
        name=NAME,
        state=Job.State.RUNNING,
        done=1204,
        total=1530,
        message="Mar 2026 is filled",
        started_at=now - timedelta(minutes=2),
        heartbeat_at=now,
    )
    return f"/tasks/{job.pk}/"


def a_failed_task() -> str:
    now = timezone.now()
    job = Job.objects.create(
        name="Roll up all months",
        state=Job.State.FAILED,
        done=3,
        total=14,
        error="OperationalError: the connection to the database is lost",
        result={"months": 3},
        started_at=now - timedelta(hours=1),
        finished_at=now,
    )
    return f"/tasks/{job.pk}/"


def a_page_of_the_documentation() -> str:
    return "/docs/developers/plugins/"


def the_changelog() -> str:
    return "/docs/changelog/"


def a_search() -> str:
    return "/search/?q=plugin"


def a_search_in_vain() -> str:
    return "/search/?q=zzzzqqqq"


def tasks_of_one_state() -> str:
    return "/tasks/?state=failed&mine=1"


def a_message() -> str:
    return "/styleguide/?message=1"


SAMPLES = [
    a_running_task,
    a_failed_task,
    a_page_of_the_documentation,
    the_changelog,
    a_search,
    a_search_in_vain,
    tasks_of_one_state,
    a_message,
]
