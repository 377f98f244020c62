"""All facts about one installation, record by record: what it is handed out when it asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.forms.models import model_to_dict

from metrics.engine.pages import Missing, Reading, slot_of, unpack
from metrics.facts import clean
from metrics.models import MetricDefinition
from metrics.models.facts import Installation, InstallationLabel, Refill, Report, ReportPage
from metrics.models.figures import MonthReport


def records_of(uuid: str, hostname: str) -> Iterator[dict[str, Any]]:
    """The installation, its labels with their history, its reports with every reading, and what months make of them."""
    names = {"uuid": clean(uuid), "hostname": clean(hostname)}
    for label in InstallationLabel.objects.filter(**names).order_by("pk").values():
        yield {"record": "label", **label}
    for event in apps.get_model("metrics", "InstallationLabelEvent")._default_manager.filter(**names).values():
        yield {"record": "change of a label", **{name: str(value) for name, value in event.items()}}
    installation = Installation.objects.filter(**names).first()
    if installation is None:
        return
    yield {"record": "known installation", **model_to_dict(installation), "first_seen_at": installation.first_seen_at}
    paths = dict(MetricDefinition.objects.filter(slot__isnull=False).values_list("slot", "key_path"))
    for report in Report.objects.filter(installation=installation).order_by("recorded_at").iterator(chunk_size=100):
        yield {
            "record": "report",
            **model_to_dict(report),
            "stored_at": report.stored_at,
            "refilled": list(Refill.objects.filter(report=report).values("slots", "cause", "at")),
            "readings": {
                paths.get(slot, f"slot {slot}"): reading.word if isinstance(reading, Missing) else str(reading)
                for slot, reading in _readings(report)
            },
        }
    for row in MonthReport.objects.filter(installation=installation).order_by("month").values():
        yield {"record": "report of a month", **row}


def _readings(report: Report) -> Iterator[tuple[int, Reading]]:
    for page in ReportPage.objects.filter(report_id=report.pk).order_by("page"):
        for index, reading in unpack(page.values, bytes(page.states), page.wide).items():
            if reading is not Missing.ABSENT:
                yield slot_of(page.page, index), reading
