"""What is one's own at an entry or text: drafts, following, visits."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from stages.api.serializers.blocks import BlockContentSerializer
from stages.api.serializers.strict import Strict
from stages.facts import Entry, names_of
from stages.models import Category, Group, Section, Stage


class TypedField(serializers.CharField):
    """A value as a form has it: a text. A flag is ``on`` or empty, keys have commas between them; both may be sent as
    JSON says them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_blank=True, trim_whitespace=False, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """The text of what was sent; nothing is judged, since a draft may hold what could not be saved."""
        if data is None or isinstance(data, bool):
            data = "on" if data else ""
        elif isinstance(data, list) and all(isinstance(one, str) for one in data):
            data = ", ".join(data)
        return super().run_validation(data)


class DraftSerializer(Strict):
    """What you typed and have not saved; ``base_version`` is the version that it was made from."""

    base_version = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    saved_at = serializers.DateTimeField(read_only=True, allow_null=True)


class BlockDraftSerializer(DraftSerializer):
    """A draft of a block."""

    content = BlockContentSerializer()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    paste = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)


class PeopleDraftSerializer(DraftSerializer):
    """A draft of who is responsible: a line each, as “Product manager: Ada”."""

    people = serializers.CharField(allow_blank=True, trim_whitespace=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class StartingPointDraftSerializer(DraftSerializer):
    """A draft of a place to start."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False)


class PageTextDraftSerializer(DraftSerializer):
    """A draft of a text of the page."""

    heading = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


def fact_draft_serializer(model: type[Entry]) -> type[DraftSerializer]:
    """A draft of the facts of a kind; what a request leaves out is as it stands."""
    word = model.__name__
    typed = {name: TypedField() for name in names_of(model)}
    facts = type(f"Typed{word}FactsSerializer", (Strict,), {**typed, "__doc__": f"Facts of a {word.lower()} as typed."})
    return type(
        f"{word}DraftSerializer",
        (DraftSerializer,),
        {
            "__doc__": f"A draft of the facts of a {word.lower()}.",
            "facts": facts(),
            "reason": serializers.CharField(required=False, allow_blank=True, default="", max_length=1000),
        },
    )


FACT_DRAFTS = {model: fact_draft_serializer(model) for model in (Section, Stage, Group, Category)}


class FollowSerializer(serializers.Serializer[Any]):
    """Whether you follow the stage."""

    follows = serializers.BooleanField()


class NewsSerializer(serializers.Serializer[Any]):
    """A block that somebody else changed; when and by whom it was changed last."""

    kind = serializers.CharField()
    heading = serializers.CharField()
    title = serializers.CharField()
    changed_at = serializers.DateTimeField()
    changed_by = serializers.CharField()


class VisitSerializer(serializers.Serializer[Any]):
    """When you last looked at the page, before the present visit, and what others changed since."""

    last_visit = serializers.DateTimeField(allow_null=True)
    changed = NewsSerializer(many=True)
