"""The form of an entry's facts, and the facts as a page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import forms

from stages.conf import handbook_url
from stages.facts import Entry, Fact, facts_of, said_of, taken
from stages.links import target_of, visible
from stages.models import Stage

if TYPE_CHECKING:
    _Form = forms.ModelForm[Any]
else:
    _Form = forms.ModelForm


LARGEST_NUMBER = 32_767
"""What a column of small numbers holds."""


@dataclass(frozen=True, kw_only=True)
class FactView:
    """A fact as the page shows it. ``file_says`` is what the structure files have where it was edited here."""

    fact: Fact
    said: str
    href: str
    origin: str
    file_says: str
    can_give_back: bool


def fact_views(entry: Entry) -> list[FactView]:
    """The facts of an entry in reading order."""
    base = handbook_url()
    views = []
    for fact in facts_of(type(entry)):
        value, origin = getattr(entry, fact.name), entry.origin(fact.name)
        known = fact.name in entry.imported
        edited = origin == "edited" and known
        said = "" if value is False and not known else said_of(fact, value)
        views.append(
            FactView(
                fact=fact,
                said=visible(said),
                href=target_of(value, base).href if fact.widget == "link" and value else "",
                origin=origin if known and (said or edited) else "",
                file_says=visible(said_of(fact, taken(fact.name, entry.imported[fact.name]))) if edited else "",
                can_give_back=edited,
            )
        )
    return views


class KeysField(forms.CharField):
    """Keys with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        """As they are typed."""
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The keys, each once."""
        text = super().to_python(value) or ""
        return list(dict.fromkeys(key for part in text.split(",") if (key := part.strip())))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other keys are named."""
        return bool((initial or []) != self.to_python(data))


class FactForm(_Form):
    """The facts and why they change. It saves nothing: ``change_facts`` does."""

    reason = forms.CharField(required=False, max_length=1000, label="Why?", help_text="Kept in the history.")
    fact_names: tuple[str, ...] = ()

    def __init__(self, entry: Entry, data: Any = None, initial: Mapping[str, Any] | None = None) -> None:
        # A copy, since validating a model form writes into its instance. ``initial`` is a draft, as it was typed.
        copy = type(entry)(**{name: getattr(entry, name) for name in self.fact_names})
        super().__init__(data, instance=copy, initial=dict(initial or {}))
        for fact in facts_of(type(entry)):
            field = self.fields[fact.name]
            field.label, field.help_text = fact.label, fact.help
            field.widget.attrs |= {"rows": "3"} if fact.widget == "text" else {}

    def clean_related_keys(self) -> list[str]:
        """Keys of stages. Those that stood there before are let be, since structure files name some that are gone."""
        keys: list[str] = self.cleaned_data["related_keys"]
        new = [key for key in keys if key not in self.instance.related_keys]
        known = set(Stage.objects.filter(key__in=new).values_list("key", flat=True)) if new else set()
        for key in new:
            if key not in known:
                raise forms.ValidationError(f"There is no stage with the key {key}.")
        return keys

    def as_draft(self) -> dict[str, str]:
        """What is typed, as it came: also what could not be saved."""
        return {name: str(self.data.get(name, "")).replace("\x00", "") for name in (*self.fact_names, "reason")}

    def as_it_stands(self) -> dict[str, str]:
        """What the form holds where nobody typed anything else."""
        values = {name: self[name].value() for name in self.fact_names}
        return {name: "" if value in (None, False) else "on" if value is True else str(value)
                for name, value in values.items()}  # fmt: skip

    def says_what_stands(self, entry: Entry) -> bool:
        """Whether nothing was typed that the entry does not say already."""
        if not self.is_valid() or self.cleaned_data["reason"]:
            return False
        return all(self.cleaned_data[name] == getattr(entry, name) for name in self.fact_names)

    def _post_clean(self) -> None:
        """The fields' own checks are enough here; the verb makes the others, for pages and API alike."""


def _field(model_field: Any, **options: Any) -> Any:
    kinds: dict[str, Any] = {
        "DateField": lambda: model_field.formfield(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})),
        "PositiveSmallIntegerField": lambda: model_field.formfield(max_value=LARGEST_NUMBER),
        "JSONField": lambda: KeysField(required=False, max_length=2000),
    }
    make = kinds.get(type(model_field).__name__)
    return make() if make else model_field.formfield(**options)


@lru_cache(maxsize=8)
def form_class(model: type[Entry]) -> type[FactForm]:
    """The form for the facts of a kind."""
    names = tuple(fact.name for fact in facts_of(model))
    meta = type("Meta", (), {"model": model, "fields": names, "formfield_callback": staticmethod(_field)})
    return type(f"{model.__name__}FactForm", (FactForm,), {"Meta": meta, "fact_names": names})
