"""The Tasks page: long work that runs, waits or has ended, with its progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal import jobs
from portal.models import Job, User
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role

PAGE_SIZE = 25
BADGES = {
    Job.State.WAITING: "neutral",
    Job.State.RUNNING: "info",
    Job.State.DONE: "ok",
    Job.State.FAILED: "danger",
    Job.State.CANCELLED: "warning",
}


@dataclass(frozen=True)
class TaskRow:
    """A job as the page shows it."""

    job: Job
    badge: str
    elapsed: timedelta | None
    left: timedelta | None
    may_cancel: bool
    may_retry: bool

    @property
    def going(self) -> bool:
        """Whether it may still change."""
        return self.job.state in (Job.State.WAITING, Job.State.RUNNING)


def row_of(job: Job, user: User, now: datetime) -> TaskRow:
    """A job with its times, and whether this user may stop it."""
    end = job.finished_at or now
    elapsed = end - job.started_at if job.started_at else None
    going = job.state in (Job.State.WAITING, Job.State.RUNNING)
    return TaskRow(
        job=job,
        badge=BADGES[Job.State(job.state)],
        elapsed=elapsed,
        left=time_left(elapsed, job.done, job.total) if job.state == Job.State.RUNNING else None,
        may_cancel=going and not job.cancel_requested and may_cancel(job, user),
        may_retry=jobs.may_retry(job) and may_cancel(job, user),
    )


def time_left(elapsed: timedelta | None, done: int, total: int | None) -> timedelta | None:
    """The time expected to be left, at the pace so far; nothing before there is a pace."""
    if elapsed is None or not total or done <= 0 or elapsed < timedelta(seconds=2):
        return None
    return elapsed * max(total - done, 0) / done


def may_cancel(job: Job, user: User) -> bool:
    """One's own work; an administrator any. The same holds for trying it again."""
    return job.started_by_id == user.pk or has_role(user, Role.ADMINISTRATOR)


@requires(Role.VIEWER)
def tasks(request: HttpRequest) -> HttpResponse:
    """The list, newest first; asked by htmx, only its rows."""
    user = signed_in(request)
    state, mine = request.GET.get("state", ""), request.GET.get("mine") == "1"
    found = Job.objects.select_related("started_by").order_by("-created_at")
    if state in Job.State.values:
        found = found.filter(state=state)
    if mine:
        found = found.filter(started_by=user)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    rows = [row_of(job, user, now) for job in page.object_list]
    context = {
        "rows": rows,
        "page_obj": page,
        "states": Job.State.choices,
        "state": state,
        "mine": mine,
        "going": any(row.going for row in rows),
    }
    whole = "portal/_task_rows.html" if request.headers.get("HX-Request") else "portal/tasks.html"
    return render(request, whole, context)


@requires(Role.VIEWER)
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """One job with its error or result; asked by htmx, only its progress."""
    user = signed_in(request)
    found = get_object_or_404(Job.objects.select_related("started_by"), pk=pk)
    context = {"row": row_of(found, user, timezone.now())}
    return render(
        request, "portal/_task_progress.html" if request.headers.get("HX-Request") else "portal/task.html", context
    )


@require_POST
@requires(Role.VIEWER)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a job to stop."""
    found = own_job(request, pk, "cancel it")
    if jobs.cancel(pk):
        messages.success(request, f"“{found.name}” was asked to stop. What it has finished stays.")
    else:
        messages.info(request, f"“{found.name}” had already ended.")
    return redirect("portal:task", pk=pk)


@require_POST
@requires(Role.VIEWER)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a job again that failed or was cancelled."""
    found = own_job(request, pk, "try it again")
    if jobs.retry(pk):
        messages.success(request, f"“{found.name}” is tried again; it appears here as a task of its own.")
        return redirect("portal:tasks")
    messages.info(request, f"“{found.name}” has nothing to try again.")
    return redirect("portal:task", pk=pk)


def own_job(request: HttpRequest, pk: int, what: str) -> Job:
    """A job that this person may stop or try again; ``what`` was wanted of it."""
    found = get_object_or_404(Job, pk=pk)
    if not may_cancel(found, signed_in(request)):
        raise PermissionDenied(f"Only the person who started a task, or an administrator, may {what}.")
    return found
