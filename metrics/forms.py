"""Forms of the metrics pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from metrics.boards.lines import shown_month
from metrics.boards.words import GRAINS
from metrics.definitions.mapping import SUBJECT_OF
from metrics.definitions.months import parse_month
from metrics.definitions.parsing import TIERS
from metrics.engine.estimates import MOST_MONTHS_AHEAD, Grain
from metrics.figures.question import EDITIONS, Cut, make_cut, make_grain
from metrics.figures.question import TIERS as TIERS_OF_CUT
from metrics.imports.subscriptions import PLANS
from metrics.models.dictionary import Indicator, MetricDefinition, Status
from metrics.models.facts import Installation, Subscription
from metrics.periods import Month


class MonthField(forms.CharField):
    """A month such as 2026-10; empty means none."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        widget = forms.TextInput(attrs={"placeholder": "2026-10", "size": 8, "pattern": r"\d{4}-\d{2}"})
        super().__init__(widget=widget, **kwargs)

    def clean(self, value: Any) -> date | None:
        """The month's first day."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_month(text)
        except ValueError as error:
            raise forms.ValidationError(str(error).capitalize() + ".") from error


class MapForm(forms.Form):
    """Which metric stands for which figure, from when, and why."""

    kind = forms.ChoiceField(label="Figure", choices=[(kind, Indicator(kind).label) for kind in SUBJECT_OF])
    subject_key = forms.CharField(
        label="Stage or group", required=False, help_text="Its key, such as create; empty for UMAU."
    )
    metric = forms.CharField(label="Metric", help_text="The key path, as in the dictionary.")
    from_month = MonthField(label="From month", help_text="Empty: all months before count too.")
    to_month = MonthField(label="To month", help_text="The last month; empty: until further notice.")
    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 2}))

    def clean_metric(self) -> MetricDefinition:
        """The metric of the key path."""
        found = MetricDefinition.objects.filter(key_path=self.cleaned_data["metric"].strip()).first()
        if found is None:
            raise forms.ValidationError("The dictionary has no such key path.")
        return found


class ProposalForm(forms.Form):
    """The fields of a definition that an owner may propose to change, filled with what they are."""

    name = forms.CharField(required=False)
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}))
    product_group = forms.CharField(required=False, help_text="The group's key, such as source_code.")
    status = forms.ChoiceField(choices=Status.choices)
    performance_indicator_type = forms.CharField(
        label="Indicator types", required=False, help_text="Separated by spaces: smau, gmau, paid_gmau, umau …"
    )
    tiers = forms.MultipleChoiceField(
        choices=[(tier, tier) for tier in dict.fromkeys(TIERS.values())],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    milestone_removed = forms.RegexField(
        r"^<?[0-9]+\.[0-9]+$", label="Removed in milestone", required=False, help_text="Such as 17.2."
    )
    removed_by_url = forms.URLField(label="Removed by", required=False, assume_scheme="https")
    repair_issue_url = forms.URLField(label="Repair issue", required=False, assume_scheme="https")
    from_month = MonthField(label="Holds from month", help_text="For the mapping; empty: the current month.")
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), help_text="What the reviewer should know.")

    def __init__(self, data: Any = None, *, definition: MetricDefinition) -> None:
        self.definition = definition
        initial = {
            name: getattr(definition, name) for name in self.base_fields if name not in ("reason", "from_month")
        } | {"performance_indicator_type": " ".join(definition.performance_indicator_type)}
        super().__init__(data, initial=initial)

    def clean_performance_indicator_type(self) -> list[str]:
        """The types as a list of words."""
        return list(dict.fromkeys(self.cleaned_data["performance_indicator_type"].lower().split()))

    def clean(self) -> dict[str, Any]:
        """A broken metric needs its repair issue, a removed one its milestone."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("status") == Status.BROKEN and not given.get("repair_issue_url"):
            self.add_error("repair_issue_url", "A broken metric needs the issue that will repair it.")
        if given.get("status") == Status.REMOVED and not given.get("milestone_removed"):
            self.add_error("milestone_removed", "Say since which milestone the metric is removed.")
        return given

    def changes(self) -> dict[str, Any]:
        """The fields that would differ from the definition."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("reason", "from_month") and getattr(self.definition, name) != value
        }


ANY = [("", "All")]


class CutForm(forms.Form):
    """Which month, of whom, estimated how: the filters above tables of figures."""

    month = MonthField(label="Month")
    delivery = forms.ChoiceField(choices=[*ANY, ("saas", "SaaS"), ("self_managed", "Self-managed")], required=False)
    edition = forms.ChoiceField(choices=[*ANY, *((word, word) for word in EDITIONS)], required=False)
    tier = forms.ChoiceField(choices=[*ANY, *((word, word.title()) for word in TIERS_OF_CUT)], required=False)
    paid = forms.ChoiceField(label="Plan", choices=[*ANY, ("true", "Paid only")], required=False)
    grain = forms.ChoiceField(label="Estimate", choices=[(one.value, GRAINS[one]) for one in Grain], required=False)

    def __init__(self, data: Any = None, *, today: date) -> None:
        self.default = shown_month(today)
        super().__init__(data, initial={"month": str(self.default)})

    @property
    def chosen_month(self) -> Month:
        """The month asked for, or the last one that is over."""
        first = getattr(self, "cleaned_data", {}).get("month")
        return Month.of(first) if first else self.default

    @property
    def chosen_cut(self) -> Cut:
        """The cut asked for."""
        given = self.cleaned_data
        return make_cut(
            delivery=given["delivery"], edition=given["edition"], tier=given["tier"], paid=given["paid"] == "true"
        )

    @property
    def chosen_grain(self) -> Grain:
        """The grain asked for."""
        return make_grain(self.cleaned_data["grain"])


class LabelForm(forms.Form):
    """What an administrator says of an installation: who runs it, whether it counts, in which months, and why."""

    uuid = forms.CharField(label="UUID")
    hostname = forms.CharField()
    delivery = forms.ChoiceField(
        choices=[("", "Leave as it is"), ("saas", "SaaS (ours)"), ("self_managed", "Self-managed")], required=False
    )
    counting = forms.ChoiceField(
        label="Counting",
        choices=[("", "Leave as it is"), ("exclude", "Exclude it everywhere"), ("include", "Let it count again")],
        required=False,
    )
    from_month = MonthField(label="From month", help_text="Empty: from the beginning.")
    to_month = MonthField(label="To month", help_text="The last month; empty: until further notice.")
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, data: Any = None, *, named: Installation | None = None) -> None:
        if data is not None and named is not None:
            data = data.copy()
            data["uuid"], data["hostname"] = named.uuid, named.hostname
        super().__init__(data, initial={"uuid": named.uuid, "hostname": named.hostname} if named else None)
        if named is not None:
            self.fields["uuid"].widget = forms.HiddenInput()
            self.fields["hostname"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        """Something has to be said."""
        given: dict[str, Any] = super().clean() or {}
        if not given.get("delivery") and not given.get("counting"):
            raise forms.ValidationError("Choose a delivery, or whether it counts.")
        return given

    def label(self) -> dict[str, Any]:
        """The label as its verb takes it."""
        given = self.cleaned_data
        first, last = given["from_month"], given["to_month"]
        return {
            "uuid": given["uuid"],
            "hostname": given["hostname"],
            "delivery": given["delivery"],
            "exclude": given["reason"] if given["counting"] == "exclude" else None,
            "include": given["counting"] == "include",
            "first": Month.of(first) if first else None,
            "last": Month.of(last) if last else None,
            "reason": given["reason"],
        }


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no type parameter when it runs
    """One subscription of the list. Its id is what reports link to, so it is not changed."""

    plan = forms.ChoiceField(choices=[(plan, plan) for plan in PLANS])
    account = forms.CharField(required=False)
    seats = forms.IntegerField(min_value=0, max_value=2**63 - 1)

    class Meta:
        model = Subscription
        fields = ("subscription_id", "account", "plan", "seats", "starts_on", "ends_on", "delivery")
        labels = {"subscription_id": "Subscription", "starts_on": "From", "ends_on": "To"}
        help_texts = {"ends_on": "The last day; empty: until further notice."}
        widgets = {
            "subscription_id": forms.TextInput(),
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, data: Any = None, *, instance: Subscription | None = None) -> None:
        super().__init__(data, instance=instance)
        self.fields["subscription_id"].disabled = instance is not None

    def clean(self) -> dict[str, Any]:
        """The end may not lie before the beginning."""
        given: dict[str, Any] = super().clean() or {}
        first, last = given.get("starts_on"), given.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", f"It lies before the first day, {first}.")
        return given

    def wanted(self) -> Subscription:
        """The subscription as it should be."""
        return Subscription(**self.cleaned_data)


class ExploreForm(CutForm):
    """Any figure over months, also broken down by a cut."""

    indicator = forms.ChoiceField(
        label="Figure",
        choices=[
            ("metric", "A metric"),
            ("smau", "SMAU of a stage"),
            ("gmau", "GMAU of a group"),
            ("paid_gmau", "Paid GMAU of a group"),
            ("umau", "UMAU of the product"),
            ("section_cmau", "CMAU of a section"),
            ("cmau", "CMAU of the product"),
        ],
    )
    subject = forms.CharField(
        label="Of", required=False, help_text="Key path of a metric, or the key of a stage, group or section."
    )
    version = forms.CharField(required=False, widget=forms.TextInput(attrs={"size": 6, "placeholder": "16.2"}))
    months = forms.IntegerField(label="Months", min_value=1, max_value=36, required=False, initial=14)
    by = forms.ChoiceField(
        label="Broken down by",
        choices=[("", "Nothing"), ("delivery", "Delivery"), ("edition", "Edition"), ("tier", "Tier")],
        required=False,
    )

    ahead = forms.IntegerField(
        label="Predict months", min_value=0, max_value=MOST_MONTHS_AHEAD, required=False, initial=0
    )

    field_order = (
        "indicator",
        "subject",
        "month",
        "months",
        "ahead",
        "by",
        "delivery",
        "edition",
        "tier",
        "paid",
        "version",
        "grain",
    )

    def __init__(self, data: Any = None, *, today: date) -> None:
        if data is not None:
            data = data.copy()
            # Links from figures name the subject by its kind, as the API does.
            for kind in ("stage", "group", "section", "metric"):
                if data.get(kind) and not data.get("subject"):
                    data["subject"] = data[kind]
        super().__init__(data, today=today)

    @property
    def chosen_cut(self) -> Cut:
        """The cut asked for, with a version."""
        given = self.cleaned_data
        return make_cut(
            delivery=given["delivery"],
            edition=given["edition"],
            tier=given["tier"],
            paid=given["paid"] == "true",
            version=given["version"],
        )
