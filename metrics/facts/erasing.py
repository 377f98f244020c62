"""An installation erased: its facts go, published sums stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import transaction
from django.utils import timezone

from metrics.facts.following import months_of, note, wake_roll_up
from metrics.facts.handed import ERASED, clean
from metrics.models.facts import Installation, InstallationLabel, Report, ReportPage
from metrics.models.figures import MonthReport

if TYPE_CHECKING:
    from portal.models import User


@transaction.atomic
def erase_installation(*, uuid: str, hostname: str, actor: User | None, reason: str) -> int:
    """Remove all that is known of an installation; returns how many of its reports went.

    What was published keeps its sums: passports of snapshots say "erased: n installations" with the value that is
    missing to them. The installation keeps its number, without uuid or hostname.
    """
    for labels in (InstallationLabel, apps.get_model("metrics", "InstallationLabelEvent")):
        # The history last: deleting a label writes into it.
        labels._default_manager.filter(uuid=clean(uuid), hostname=clean(hostname)).delete()
    installation = Installation.objects.select_for_update().filter(uuid=clean(uuid), hostname=clean(hostname)).first()
    if installation is None:
        return 0
    reports = Report.objects.filter(installation=installation)
    months = {month for report in reports.only("month", "id") for month in months_of(report)}
    gone = reports.count()
    ReportPage.objects.filter(report__installation=installation).delete()
    reports.delete()
    MonthReport.objects.filter(installation=installation).update(subscription="")
    installation.uuid = ""
    installation.hostname = f"erased-{installation.pk}"
    installation.erased_at = timezone.now()
    installation.save()
    note(months=months, cause=ERASED, actor=actor)
    wake_roll_up()
    return gone
