"""Forms of the catalog that Django's own serve well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from stages.models import Resource
from stages.resources import change_resource, cleaned_link, stages_not_edited

if TYPE_CHECKING:
    from portal.models import User

    _Form = forms.ModelForm[Resource]
else:
    _Form = forms.ModelForm


class ResourceForm(_Form):
    """What a resource is called and where it is, who keeps it, who can open it, whether it is the official one."""

    reviewed = forms.BooleanField(required=False)
    reason = forms.CharField(required=False, max_length=1000)
    version = forms.IntegerField(
        error_messages={
            "required": "The form came without the version it was made from. Load the page again.",
            "invalid": "The form came without the version it was made from. Load the page again.",
        }
    )

    class Meta:
        model = Resource
        fields = ("label", "url", "owner_name", "access", "official", "source_updated_on", "review_every_days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["review_every_days"].required = False

    def clean_review_every_days(self) -> int:
        """How many days a review holds; left out it stays."""
        days: int | None = self.cleaned_data["review_every_days"]
        return self.instance.review_every_days if days is None else days

    def clean(self) -> dict[str, Any]:
        """With the label and address as they may be saved."""
        data = super().clean() or self.cleaned_data
        if "label" in data and "url" in data:
            values, errors = cleaned_link(self.instance, data["label"], data["url"])
            data |= values
            for name, sentence in errors.items():
                self.add_error(name, sentence)
        return data

    def changes_link(self, before: Resource) -> bool:
        """Whether the stages that use it would see another label or address."""
        return any(self.cleaned_data[name] != getattr(before, name) for name in ("label", "url"))

    def refuse_foreign(self, before: Resource, user: User) -> bool:
        """Refuse another link for stages that this person may not edit; says whether it did."""
        foreign = stages_not_edited(before, user) if self.changes_link(before) else []
        if foreign:
            self.add_error("url", f"Its link is that of {', '.join(foreign)} as well, which you may not edit.")
        return bool(foreign)

    def save_changes(self, user: User) -> Resource:
        """Save what was changed; ``StaleResource`` where somebody was quicker."""
        values = {name: self.cleaned_data[name] for name in self.Meta.fields}
        return change_resource(
            pk=self.instance.pk, values=values, version=self.cleaned_data["version"], actor=user, how="edit",
            reviewed=self.cleaned_data["reviewed"], reason=self.cleaned_data["reason"],
        )  # fmt: skip
