"""Labels of installations: who runs one, and whether it counts at all. Also before its first report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
    _make_sense(delivery=delivery, exclude=exclude, include=include, first=first, last=last)
    wanted = []
    if delivery:
        label = _Label(kind=InstallationLabel.Kind.DELIVERY, delivery=delivery, reason=reason)
        wanted.append((label, LABEL_CHANGED))
    if exclude is not None or include:
        kind, why = InstallationLabel.Kind.EXCLUSION, exclude or reason
        wanted.append((_Label(kind=kind, excluded=exclude is not None, reason=why), EXCLUSION))
    months = {"from_month": first.first if first else None, "to_month": last.first if last else None}
    made = []
    for label, cause in wanted:
        rows = InstallationLabel.objects.filter(uuid=uuid, hostname=hostname, kind=label.kind)
        values = {**asdict(label), **months}
        newest = rows.first()
        if newest is not None and all(getattr(newest, name) == value for name, value in values.items()):
            continue
        made.append(InstallationLabel.objects.create(uuid=uuid, hostname=hostname, made_by=actor, **values))
        _note(uuid, hostname, first, last, cause=cause, actor=actor)
    if made:
        wake_roll_up()
    return made


@dataclass(frozen=True, kw_only=True)
class _Label:
    """What is said of an installation, whenever it holds."""

    kind: InstallationLabel.Kind
    delivery: str = ""
    excluded: bool = False
    reason: str = ""


def _make_sense(*, delivery: str, exclude: str | None, include: bool, first: Month | None, last: Month | None) -> None:
    """Refuse what is no label, or none that could hold."""
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
