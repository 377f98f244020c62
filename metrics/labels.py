"""Labels of installations: who runs one, and whether it counts at all. Also before its first report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction

from metrics.facts import clean, note, wake_roll_up
from metrics.models.facts import Delivery, Installation, InstallationLabel
from metrics.periods import Month

if TYPE_CHECKING:
    from portal.models import User

LABEL_CHANGED = "label changed"
EXCLUSION = "exclusion"


class LabelError(ValueError):
    """What was asked is no label; the sentence says why."""


@transaction.atomic
def label_installation(
    *,
    uuid: str,
    hostname: str,
    delivery: str = "",
    exclude: str | None = None,
    include: bool = False,
    first: Month | None = None,
    last: Month | None = None,
    actor: User | None = None,
    reason: str = "",
) -> list[InstallationLabel]:
    """Say what an installation is, for the months from ``first`` to ``last`` (``None`` = without bound).

    ``exclude`` is the reason for which it counts nowhere, ``include`` takes that back. The months that the label
    covers follow by themselves. Saying what already holds changes nothing.
    """
    uuid, hostname = clean(uuid), clean(hostname)
    if not uuid or not hostname:
        raise LabelError("uuid: an installation is named by its uuid and its hostname.")
    if delivery and delivery not in Delivery.values:
        raise LabelError(f"delivery: {delivery!r} is none; it is one of {', '.join(Delivery.values)}.")
    if exclude is not None and include:
        raise LabelError("include: an installation cannot be excluded and included at once.")
    if exclude is not None and not exclude.strip():
        raise LabelError("exclude: leaving an installation out needs a reason.")
    if not delivery and exclude is None and not include:
        raise LabelError("delivery: say a delivery, exclude it with a reason, or include it.")
    if first is not None and last is not None and last < first:
        raise LabelError(f"to: {last} lies before {first}.")
    wanted = []
    if delivery:
        wanted.append((InstallationLabel.Kind.DELIVERY, delivery, False, reason, LABEL_CHANGED))
    if exclude is not None or include:
        wanted.append((InstallationLabel.Kind.EXCLUSION, "", exclude is not None, exclude or reason, EXCLUSION))
    made = []
    for kind, which, excluded, why, cause in wanted:
        months = {
            "from_month": first.first if first else None,
            "to_month": last.first if last else None,
        }
        newest = InstallationLabel.objects.filter(uuid=uuid, hostname=hostname, kind=kind).first()
        same = newest is not None and (
            newest.delivery,
            newest.excluded,
            newest.reason,
            newest.from_month,
            newest.to_month,
        ) == (which, excluded, why, months["from_month"], months["to_month"])
        if same:
            continue
        made.append(
            InstallationLabel.objects.create(
                uuid=uuid,
                hostname=hostname,
                kind=kind,
                delivery=which,
                excluded=excluded,
                reason=why,
                made_by=actor,
                **months,
            )
        )
        _note(uuid, hostname, first, last, cause=cause, actor=actor)
    if made:
        wake_roll_up()
    return made


def _note(uuid: str, hostname: str, first: Month | None, last: Month | None, *, cause: str, actor: User | None) -> None:
    installation = Installation.objects.filter(uuid=uuid, hostname=hostname).first()
    if installation is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT month FROM metrics_report WHERE installation_id = %s AND state = 'counted'",
            [installation.pk],
        )
        months = [Month.of(row[0]) for row in cursor.fetchall()]
    note(
        months=[month for month in months if (first is None or first <= month) and (last is None or month <= last)],
        cause=cause,
        actor=actor,
        installation_id=installation.pk,
    )
