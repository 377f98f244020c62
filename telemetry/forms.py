"""Forms of telemetry's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from telemetry.models import Organisation, SigningKey

# Django's own class takes no type arguments when it runs.
if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[SigningKey]
else:
    _ModelForm = forms.ModelForm


class KeyForm(forms.Form):
    """A new ingest key: for one installation, or for an organisation."""

    label = forms.CharField(max_length=200, help_text="What it is for, such as the team that keeps it.")
    uuid = forms.CharField(
        max_length=255,
        required=False,
        label="Installation uuid",
        help_text="As its pings say; leave empty for an organisation.",
    )
    hostname = forms.CharField(max_length=255, required=False, label="Installation host name")
    organisation = forms.CharField(
        max_length=200,
        required=False,
        help_text="Its name; made here where it is new. Empty for a single installation.",
    )
    expires_on = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="Empty = until it is revoked."
    )

    def clean(self) -> dict[str, Any]:
        """Either an installation, whole, or an organisation."""
        values = super().clean() or {}
        uuid, hostname = values.get("uuid", "").strip(), values.get("hostname", "").strip()
        if bool(uuid) != bool(hostname):
            missing = "hostname" if uuid else "uuid"
            self.add_error(missing, "An installation is named by both, uuid and host name.")
        elif not uuid and not values.get("organisation", "").strip():
            raise forms.ValidationError("Name an installation (uuid and host name) or an organisation.")
        return values

    def organisation_row(self) -> Organisation | None:
        """The organisation named, made where it is new."""
        name = self.cleaned_data.get("organisation", "").strip()
        return Organisation.objects.get_or_create(name=name)[0] if name else None


class HolderForm(forms.Form):
    """An installation that belongs to an organisation."""

    uuid = forms.CharField(max_length=255, label="Installation uuid", help_text="As its pings say.")
    hostname = forms.CharField(max_length=255, label="Installation host name")


class SigningKeyForm(_ModelForm):
    """The public key of somebody who signs bundles, for one installation or for any."""

    class Meta:
        model = SigningKey
        fields = ("label", "public_key", "uuid", "hostname")
        labels = {"uuid": "Installation uuid", "hostname": "Installation host name"}
        help_texts = {"public_key": "64 hexadecimal digits, as the tool prints them."}

    def clean_public_key(self) -> str:
        """In small letters, as bundles are compared."""
        return str(self.cleaned_data["public_key"]).lower()

    def clean(self) -> dict[str, Any]:
        """An installation is named whole or not at all."""
        values = super().clean() or {}
        if bool(values.get("uuid")) != bool(values.get("hostname")):
            missing = "hostname" if values.get("uuid") else "uuid"
            self.add_error(missing, "An installation is named by both, uuid and host name.")
        return values


class EraseForm(forms.Form):
    """Erasing everything of an installation: named again, with a reason."""

    uuid = forms.CharField(max_length=255)
    hostname = forms.CharField(max_length=255, label="Host name")
    confirm = forms.CharField(
        max_length=255, label="Host name, once more", help_text="Nothing of it can be brought back."
    )
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """The name must be typed twice."""
        values = super().clean() or {}
        if values.get("hostname") != values.get("confirm"):
            self.add_error("confirm", "This is not the host name above.")
        return values
