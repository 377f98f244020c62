"""Periodic work of the catalog."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from portal.jobs import job
from stages.conf import pull_source
from stages.handbook.importing import forget_previews as forget_old_previews
from stages.linkcheck import verbs
from stages.pull import JOB, PullFailed, pull
from stages.restructuring.planning import carry_out_due

logger = logging.getLogger("stages.tasks")


@shared_task(name="stages.tasks.check_links")
def check_links() -> str:
    """Look at the links that are due."""
    waiting = verbs.due_links(timezone.now()).count()
    with job(verbs.JOB, total=min(waiting, verbs.MOST_PER_RUN)) as progress:

        def step(said: str) -> None:
            progress.advance(1, said[:200])
            progress.check_cancelled()

        report = verbs.check_links(step=step)
        progress.say(report.sentence)
    return report.sentence


@shared_task(name="stages.tasks.pull_sources")
def pull_sources() -> str:
    """Import what is new at the source."""
    if not pull_source():
        return pull().sentence
    try:
        with job(JOB) as progress:
            done = pull()
            progress.say(done.sentence)
    except PullFailed as error:
        logger.warning("the pull of the catalog failed: %s", error)
        return str(error)
    return done.sentence


@shared_task(name="stages.tasks.carry_out_planned")
def carry_out_planned() -> str:
    """Carry out the planned changes of the structure whose day has come."""
    return carry_out_due().sentence


@shared_task(name="stages.tasks.forget_previews")
def forget_previews() -> int:
    """Delete previews of imports that nobody imported."""
    return forget_old_previews()
