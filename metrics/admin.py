"""The metrics in the admin: to look at, with links to the pages where things are changed with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from metrics.boards.lines import passport_page
from metrics.boards.names import subject_name
from metrics.boards.table import overview
from metrics.engine.estimates import OFFICIAL
from metrics.figures.queries import INDICATOR_WORDS
from metrics.figures.question import NO_CUT
from metrics.figures.restatements import restated_by
from metrics.models import (
    EventDefinition,
    FigureMonth,
    IndicatorMapping,
    Installation,
    InstallationLabel,
    MetricDefinition,
    MonthEvent,
    MonthRevision,
    ProposedChange,
    Report,
    Subscription,
)
from metrics.periods import Month
from portal.admin import LookAdmin
from portal.sources import source_link
from portal.words import number


class ReadOnlyAdmin(LookAdmin):
    """Only to look at.

    ``correct_at`` names the page where what is listed is corrected; each row then leads there.
    """

    correct_at = ""

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the way to the page of corrections, where all rows have the same."""
        return (*self.list_display, "correct") if self.correct_at else self.list_display

    @admin.display(description="to correct it")
    def correct(self, row: Model) -> str:
        """Where it is corrected."""
        return format_html('<a href="{}">Correct</a>', reverse(self.correct_at))


@admin.register(MetricDefinition)
class MetricDefinitionAdmin(ReadOnlyAdmin):
    """Definitions, each with a link to its page in the dictionary."""

    list_display = ("key_path", "status", "time_frame", "value_type", "product_group", "group", "version", "page")
    list_filter = ("status", "time_frame", "value_type")
    list_select_related = ("group",)
    search_fields = ("key_path", "name", "description")
    exclude = ("raw_text",)

    @admin.display(description="page")
    def page(self, definition: MetricDefinition) -> str:
        """Where its history, mapping and figures stand."""
        return format_html('<a href="{}">Dictionary</a>', definition.get_absolute_url())


@admin.register(IndicatorMapping)
class IndicatorMappingAdmin(ReadOnlyAdmin):
    """Which metric stands for which figure."""

    correct_at = "metrics:mapping"
    list_display = (
        "kind",
        "subject_kind",
        "subject_key",
        "product_group",
        "metric",
        "from_month",
        "to_month",
        "source",
    )
    list_filter = ("kind", "subject_kind", "source")
    list_select_related = ("metric",)
    search_fields = ("subject_key", "metric__key_path", "product_group")


@admin.register(EventDefinition)
class EventDefinitionAdmin(ReadOnlyAdmin):
    """Events that metrics count."""

    list_display = ("action", "category", "product_group", "internal_events")
    search_fields = ("action", "description")


@admin.register(ProposedChange)
class ProposedChangeAdmin(ReadOnlyAdmin):
    """Proposals and their decisions."""

    list_display = ("definition", "state", "proposed_by", "proposed_at", "decided_by", "decided_at")
    list_filter = ("state",)
    list_select_related = ("definition", "proposed_by", "decided_by")


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    """Installations, each with a link to its page."""

    list_display = ("hostname", "uuid", "first_seen_at", "erased_at", "page")
    search_fields = ("hostname", "uuid")
    show_full_result_count = False

    @admin.display(description="page")
    def page(self, installation: Installation) -> str:
        """Where its labels, months and reports stand."""
        return format_html('<a href="{}">Installation</a>', installation.get_absolute_url())


@admin.register(InstallationLabel)
class InstallationLabelAdmin(ReadOnlyAdmin):
    """What administrators said of installations; new ones are made on the page of labels."""

    correct_at = "metrics:labels"
    list_display = ("hostname", "uuid", "kind", "delivery", "excluded", "from_month", "to_month", "reason", "made_by")
    list_filter = ("kind", "delivery", "excluded")
    list_select_related = ("made_by",)
    search_fields = ("hostname", "uuid", "reason")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Reports, each with a link to what its source knows of it."""

    list_display = ("installation", "recorded_at", "population", "state", "version", "edition", "tier", "origin")
    list_filter = ("state", "population", "edition", "tier")
    list_select_related = ("installation",)
    search_fields = ("installation__hostname", "installation__uuid", "source")
    show_full_result_count = False

    @admin.display(description="source")
    def origin(self, report: Report) -> str:
        """The ping or the line of a file that it came from."""
        link = source_link(report.source)
        return format_html('<a href="{}">{}</a>', link.url, link.label) if link else report.source


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """The list of subscriptions; each is changed on its page, and the list is imported on its own."""

    list_display = ("subscription_id", "account", "plan", "seats", "starts_on", "ends_on", "delivery", "page")
    list_filter = ("plan", "delivery")
    search_fields = ("subscription_id", "account")

    @admin.display(description="to correct it")
    def page(self, subscription: Subscription) -> str:
        """Where it is changed or removed."""
        return format_html('<a href="{}">Correct</a>', reverse("metrics:subscription", args=[subscription.pk]))


@admin.register(FigureMonth)
class FigureMonthAdmin(ReadOnlyAdmin):
    """The months, each with the figures of its indicators and a link to each passport."""

    list_display = ("month", "state", "computed_at", "published_at", "published_by", "page")
    list_filter = ("state",)
    list_select_related = ("published_by",)
    fields = ("month", "state", "computed_at", "published_at", "published_by", "reopened_at", "figures", "page")
    readonly_fields = ("figures", "page")

    @admin.display(description="page")
    def page(self, month: FigureMonth) -> str:
        """Where it is closed and re-opened."""
        return format_html('<a href="{}">Month</a>', reverse("metrics:month", args=[str(Month.of(month.month))]))

    @admin.display(description="figures")
    def figures(self, month: FigureMonth) -> str:
        """Every indicator figure of the month."""
        parts = overview(month=Month.of(month.month), cut=NO_CUT, grain=OFFICIAL)
        return format_html_join(
            mark_safe("<br>"),
            '{} {}: <a href="{}">{}</a>',
            (
                (line.name, line.label, line.passport, number(line.now.recorded))
                for part in parts
                for line in part.lines
            ),
        )


@admin.register(MonthEvent)
class MonthEventAdmin(ReadOnlyAdmin):
    """Closings and re-openings of months, with who and why."""

    list_display = ("month", "what", "at", "by", "reason")
    list_filter = ("what",)
    list_select_related = ("month", "by")
    date_hierarchy = "at"


class AfterPublication(admin.SimpleListFilter):
    """Changes of months that were published: restatements, where they moved a figure."""

    title = "published"
    parameter_name = "published"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("after", "After publication"), ("before", "Before publication")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MonthRevision]) -> QuerySet[MonthRevision]:
        """Only those on one side of their month's first publication."""
        first = FigureMonth.objects.filter(month=OuterRef("month")).values("first_published_revision")[:1]
        after = queryset.alias(first=Subquery(first)).filter(first__lt=F("pk"))
        if self.value() == "after":
            return after
        return queryset.exclude(pk__in=after.values("pk")) if self.value() == "before" else queryset


@admin.register(MonthRevision)
class MonthRevisionAdmin(ReadOnlyAdmin):
    """Changes of months' figures. One after publication shows which published figures it restated."""

    list_display = ("month", "at", "why", "who", "number_of_reports", "page")
    list_filter = (AfterPublication,)
    date_hierarchy = "month"
    fields = ("month", "at", "why", "who", "number_of_reports", "firsts_changed", "restated", "page")
    readonly_fields = ("why", "who", "number_of_reports", "restated", "page")

    @admin.display(description="causes")
    def why(self, revision: MonthRevision) -> str:
        """The causes in a line."""
        return ", ".join(revision.causes)

    @admin.display(description="who")
    def who(self, revision: MonthRevision) -> str:
        """The people, or the task."""
        return ", ".join(revision.actors) or revision.task

    @admin.display(description="reports")
    def number_of_reports(self, revision: MonthRevision) -> int:
        """How many reports caused it."""
        return len(revision.reports)

    @admin.display(description="page")
    def page(self, revision: MonthRevision) -> str:
        """The month, with its log."""
        return format_html('<a href="{}">Month</a>', reverse("metrics:month", args=[str(Month.of(revision.month))]))

    @admin.display(description="restated figures")
    def restated(self, revision: MonthRevision) -> str:
        """Each published figure that this change moved: estimated before and after."""
        return (
            format_html_join(
                mark_safe("<br>"),
                '{} {} {}: {} → <a href="{}?tab=restatements">{}</a>',
                (
                    (
                        subject_name(one.question),
                        INDICATOR_WORDS[one.question.indicator],
                        str(one.question.period),
                        number(one.old[1]),
                        passport_page(one.question.id),
                        number(one.new[1]),
                    )
                    for one in restated_by(revision)
                ),
            )
            or "none"
        )
