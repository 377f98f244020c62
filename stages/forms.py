"""Forms of the catalog that Django's own serve well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils import timezone

from stages.models import Resource

if TYPE_CHECKING:
    _Form = forms.ModelForm[Resource]
else:
    _Form = forms.ModelForm


class ResourceForm(_Form):
    """Who keeps a resource, who can open it, whether it is the official one."""

    reviewed = forms.BooleanField(required=False)

    class Meta:
        model = Resource
        fields = ("owner_name", "access", "official", "source_updated_on")

    def save_changes(self) -> Resource:
        """Save, with the day of the review where it was looked at."""
        resource = self.save(commit=False)
        if self.cleaned_data["reviewed"]:
            resource.reviewed_on = timezone.now().date()
        resource.version += 1
        resource.save()
        return resource
