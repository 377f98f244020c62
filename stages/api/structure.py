"""Routes of sections, stages, groups and categories: reading, facts, structure, people, history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, cast

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_state, with_state
from portal.roles import Role
from stages import following
from stages.api.common import SEVERAL, as_problems, day_of, entry_etag, must_match, person, rows_of
from stages.api.filters import CategoryFilter, GroupFilter, SectionFilter
from stages.api.own import FactDraftMixin, PeopleDraftMixin, documented_draft
from stages.api.planned import keys_of_entries, planned_etag
from stages.api.serializers.changes import (
    DatedSerializer,
    GiveBackSerializer,
    MergeSerializer,
    MoveSerializer,
    PlannedChangeSerializer,
    RenameSerializer,
    SplitSerializer,
    UndoSerializer,
)
from stages.api.serializers.entries import (
    CHANGES,
    ROWS,
    WRITE,
    CategorySerializer,
    GroupSerializer,
    PeopleSerializer,
    PersonSerializer,
    SectionSerializer,
)
from stages.api.serializers.history import RestoreSerializer, TimelineSerializer
from stages.api.serializers.own import FACT_DRAFTS
from stages.api.upserting import upsert
from stages.contacts import name_people
from stages.facts import PARENT_OF, Entry, kind_of, names_of
from stages.history.happening import Happening
from stages.history.timeline import Timeline, timeline
from stages.models import Category, FormerKey, Group, PlannedChange, Section, Succession
from stages.restructuring import change_facts, give_back, restore_facts
from stages.restructuring.planning import AHEAD, ask
from stages.restructuring.undoing import can_be_undone, undo
from stages.restructuring.wishes import Wish, carry_out, entries, find, make

BEFORE = OpenApiParameter("before", OpenApiTypes.DATETIME, description="The `older` of the page before.")


class CatalogViewSet(FactDraftMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """Lists and single entries by key. A key that it once had leads on to it."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    action_roles: ClassVar[dict[str, Role]] = {"bulk": Role.VIEWER}  # Each row's entry is asked about in turn.
    lookup_field = "key"
    lookup_value_regex = "[^/]+"
    model: type[Entry]

    @property
    def kind(self) -> str:
        """The word for what is here."""
        return self.model.__name__.lower()

    def get_queryset(self) -> QuerySet[Any]:
        """All of the kind, with what their scopes need."""
        return entries(self.kind)

    def get_scopes(self, entry: Any) -> Iterable[str]:
        """What a role may be limited to."""
        return cast("tuple[str, ...]", entry.scopes)

    def get_new_scopes(self, request: Request) -> Iterable[str]:
        """The scopes of what a new one would belong to."""
        if self.kind not in PARENT_OF or not isinstance(request.data, dict):
            return ()
        with as_problems():
            return [
                scope for key in parents_of(self.kind, request.data) for scope in find(PARENT_OF[self.kind], key).scopes
            ]

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The list as asked for; a single entry is there whatever the filters."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def get_object(self) -> Any:
        """The entry of the key, or what the one that once had it is now."""
        try:
            return super().get_object()
        except Http404:
            former = FormerKey.objects.filter(kind=self.kind, key=self.kwargs["key"]).first()
            if former is None:
                raise
            self.kwargs["key"] = former.target_key
            return super().get_object()

    def answer(self, key: str, status: int = 200) -> Response:
        """The entry as it stands now, with its ETag."""
        entry = self.get_queryset().get(key=key)
        return with_state(Response(self.get_serializer(entry).data, status=status), entry_etag(entry))

    def matched(self, request: Request) -> Any:
        """The entry, once the request says that it was made from what stands."""
        entry = self.get_object()
        must_match(request, entry_etag(entry))
        return entry

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One entry with its ETag."""
        entry = self.get_object()
        return cast(
            Response, answer_with_state(request, entry_etag(entry), lambda: Response(self.get_serializer(entry).data))
        )

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make one, with its facts if they are given."""
        serializer = WRITE[self.model](data=request.data)
        serializer.is_valid(raise_exception=True)
        row = dict(serializer.validated_data)
        facts = {name: row[name] for name in names_of(self.model) if name in row}
        with transaction.atomic(), as_problems():
            made = make(self.kind, wish_from("create", row, parents=parents_of(self.kind, row)), person(request))
            change_facts(entry=made, values=facts, actor=person(request), reason=row["reason"])
        return self.answer(made.key, 201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change facts of one entry; needs ``If-Match``, ``reason`` is kept in the history."""
        entry = self.matched(request)
        serializer = CHANGES[self.model](data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = {name: value for name, value in serializer.validated_data.items() if name in names_of(self.model)}
        with as_problems():
            # Whoever writes between the check of the ETag and the lock is not overwritten: the version is asked again.
            change_facts(
                entry=entry, values=values, actor=person(request), reason=serializer.validated_data.get("reason", ""),
                version=entry.version,
            )  # fmt: skip
        return self.answer(entry.key)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete what was made by mistake; what anything refers to is refused, and retired instead."""
        entry = self.matched(request)
        with as_problems():
            carry_out(entry, wish_from("delete", {}), person(request), entry.version)
        return Response(status=204)

    def carried_out(self, request: Request, name: str, serializer_class: type[Any], **more: Any) -> Response:
        """Do one of the changes of the structure; the answer is the entry to look at afterwards.

        Where the day lies ahead it is planned, and the answer is 202 with the plan.
        """
        entry = self.matched(request)
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        with as_problems():
            after = ask(entry, wish_from(name, serializer.validated_data, **more), person(request), entry.version)
        if isinstance(after, PlannedChange):
            planned = PlannedChangeSerializer(after, context={"keys": keys_of_entries()})
            return with_state(Response(planned.data, status=202), planned_etag(after))
        return self.answer(after.key if after else entry.key, 201 if name == "split" else 200)

    @action(detail=True, methods=["post"], pagination_class=None)
    def rename(self, request: Request, key: str = "") -> Response:
        """Give another name or key; the old key leads on. Needs ``If-Match``."""
        return self.carried_out(request, "rename", RenameSerializer)

    @action(detail=True, methods=["post"], pagination_class=None)
    def move(self, request: Request, key: str = "") -> Response:
        """Put it somewhere else; you must be an editor there as well. Needs ``If-Match``."""
        return self.carried_out(request, "move", MoveSerializer)

    @action(detail=True, methods=["post"], pagination_class=None)
    def split(self, request: Request, key: str = "") -> Response:
        """Make another of a part of it; the answer is the new one. Needs ``If-Match``."""
        return self.carried_out(request, "split", SplitSerializer)

    @action(detail=True, methods=["post"], pagination_class=None)
    def merge(self, request: Request, key: str = "") -> Response:
        """Put all of it into another of its kind; the answer is that one. Needs ``If-Match``."""
        return self.carried_out(request, "merge", MergeSerializer)

    @action(detail=True, methods=["post"], pagination_class=None)
    def retire(self, request: Request, key: str = "") -> Response:
        """Say that it is no more; page, history and links stay. Needs ``If-Match``."""
        return self.carried_out(request, "retire", DatedSerializer)

    @action(detail=True, methods=["post"], url_path="bring-back", pagination_class=None)
    def bring_back(self, request: Request, key: str = "") -> Response:
        """Take back that it was retired. Needs ``If-Match``."""
        return self.carried_out(request, "bring_back", DatedSerializer)

    @extend_schema(request=UndoSerializer, responses={200: OpenApiTypes.OBJECT, 204: None})
    @action(detail=True, methods=["post"], pagination_class=None)
    def undo(self, request: Request, key: str = "") -> Response:
        """Take a change of the structure back: the ``undo`` of its place in the history. Needs ``If-Match``.

        The answer is the entry, with ``stayed``: what was changed since and stays; 204 where the change had made it.
        """
        entry = self.matched(request)
        serializer = UndoSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        of_it = Q(entry=entry.pk) | Q(took__other=entry.pk)
        change = Succession.objects.filter(of_it, kind=self.kind, pk=asked["change"]).first()
        if change is None:
            raise ValidationError({"change": [f"There is no change {asked['change']} of it that could be taken back."]})
        with as_problems():
            version = entry.version if change.entry == entry.pk else None
            done = undo(change=change, user=person(request), reason=asked["reason"], version=version)
        if done.entry is None:
            return Response(status=204)
        answer = self.answer(done.entry.key)
        answer.data = {**answer.data, "stayed": done.stayed}
        return answer

    @action(detail=True, methods=["post"], url_path="give-back", pagination_class=None)
    def give_back(self, request: Request, key: str = "") -> Response:
        """Let facts be what the structure files say again. Needs ``If-Match``."""
        entry = self.matched(request)
        serializer = GiveBackSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with as_problems():
            give_back(
                entry=entry, names=serializer.validated_data["facts"], actor=person(request), version=entry.version
            )
        return self.answer(entry.key)

    @action(detail=True, methods=["post"], pagination_class=None)
    def restore(self, request: Request, key: str = "") -> Response:
        """Bring the facts of an earlier version back. Needs ``If-Match``."""
        entry = self.matched(request)
        serializer = RestoreSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        with as_problems():
            restore_facts(
                entry=entry, version=asked["version"], actor=person(request), reason=asked["reason"],
                made_from=entry.version,
            )  # fmt: skip
        return self.answer(entry.key)

    @extend_schema(parameters=[BEFORE], responses=TimelineSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def history(self, request: Request, key: str = "") -> Response:
        """Who changed what, when and why, newest first; of a stage all that its page shows."""
        return Response(timeline_data(timeline(self.get_object(), before=before_of(request))))

    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Make or change many by key, all of them or none: name, what it belongs to, facts. What is so stays so."""
        rows = rows_of(request, ROWS[self.model])
        with transaction.atomic(), following.as_one(person(request), SEVERAL):
            keys = []
            for number, row in enumerate(rows):
                with as_problems(f"{number}."):
                    keys.append(upsert(self.kind, row, person(request)))
        found = {entry.key: entry for entry in self.get_queryset().filter(key__in=keys)}
        return Response(self.get_serializer([found[key] for key in keys], many=True).data)


class PeopleMixin(PeopleDraftMixin):
    """Who is responsible for a section, stage or group."""

    @extend_schema(methods=["GET"], responses=PersonSerializer(many=True))
    @extend_schema(methods=["PUT"], request=PeopleSerializer, responses=PersonSerializer(many=True))
    @action(detail=True, methods=["get", "put"], pagination_class=None)
    def people(self, request: Request, key: str = "") -> Response:
        """Who is responsible, in order. Writing all of them needs ``If-Match``; later imports leave them alone."""
        view = cast("CatalogViewSet", self)
        if request.method in SAFE_METHODS:
            entry = view.get_object()
        else:
            entry = view.matched(request)
            serializer = PeopleSerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            pairs = [(one["role"], one["name"]) for one in serializer.validated_data["people"]]
            with as_problems():
                name_people(
                    owner=entry, people=pairs, actor=person(request), reason=serializer.validated_data["reason"],
                    version=entry.version,
                )  # fmt: skip
        listed = entry.people.select_related("contact").exclude(contact__name="").order_by("order", "pk")
        people = [{"role": one.role, "name": one.contact.name} for one in listed]
        return Response(people, headers={"ETag": entry_etag(entry)})


def documented(read: type[Any], model: type[Entry]) -> Any:
    """What the OpenAPI document says of the bodies of a kind."""
    forms = {
        "rename": RenameSerializer, "move": MoveSerializer, "split": SplitSerializer, "merge": MergeSerializer,
        "retire": DatedSerializer, "bring_back": DatedSerializer, "give_back": GiveBackSerializer,
        "restore": RestoreSerializer,
    }  # fmt: skip
    said = {
        name: extend_schema(
            request=form,
            responses={201 if name == "split" else 200: read}
            | ({202: PlannedChangeSerializer} if name in AHEAD else {}),
        )
        for name, form in forms.items()
    }
    return extend_schema_view(
        create=extend_schema(request=WRITE[model], responses={201: read}),
        partial_update=extend_schema(request=CHANGES[model], responses=read),
        bulk=extend_schema(request=ROWS[model](many=True), responses=read(many=True)),
        draft=documented_draft(FACT_DRAFTS[model]),
        **said,
    )


@documented(SectionSerializer, Section)
class SectionViewSet(PeopleMixin, CatalogViewSet):
    """Sections."""

    model = Section
    queryset = Section.objects.all()
    serializer_class = SectionSerializer
    filterset_class = SectionFilter


@documented(GroupSerializer, Group)
class GroupViewSet(PeopleMixin, CatalogViewSet):
    """Groups."""

    model = Group
    queryset = Group.objects.all()
    serializer_class = GroupSerializer
    filterset_class = GroupFilter

    def get_queryset(self) -> QuerySet[Any]:
        """With their categories."""
        return super().get_queryset().prefetch_related("categories")


@documented(CategorySerializer, Category)
class CategoryViewSet(CatalogViewSet):
    """Categories. Lowering the maturity needs a ``reason``."""

    model = Category
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    filterset_class = CategoryFilter


def parents_of(kind: str, row: dict[str, Any]) -> list[str]:
    """The keys of what an entry belongs to, as a request names them."""
    if kind == "category":
        groups = row.get("groups") or []
        return [key for key in groups if isinstance(key, str)] if isinstance(groups, list) else []
    key = row.get(PARENT_OF.get(kind, ""))
    return [key] if isinstance(key, str) and key else []


def wish_from(name: str, data: dict[str, Any], **more: Any) -> Wish:
    """A wish from what a request says."""
    wish = Wish(
        action=name, on=day_of(data), reason=data.get("reason", ""), name=data.get("name", ""),
        key=data.get("key", ""), parents=data.get("parents", ()), target=data.get("target", ""),
        taking=data.get("taking", ()), kinds=data.get("kinds", ()),
    )  # fmt: skip
    return replace(wish, **more)


def before_of(request: Request) -> Any:
    """The moment at which a page of a history ends."""
    text = request.query_params.get("before", "")
    try:
        found = parse_datetime(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or found.tzinfo is None):
        raise ValidationError({"before": ["Give a time with its zone, like 2026-11-28T00:00:00Z."]})
    return found


def timeline_data(whole: Timeline) -> dict[str, Any]:
    """A history as JSON."""
    return {"older": whole.older, "happenings": [happening_data(one) for one in whole.happenings]}


def happening_data(one: Happening) -> dict[str, Any]:
    """One change as JSON."""
    restore: dict[str, Any] | None = None
    if one.revision is not None:
        restore = {
            "block": one.revision.block.kind,
            "heading": heading_of(one.revision.block),
            "version": one.revision.version,
        }
    elif one.facts is not None:
        restore = {"entry": f"{kind_of(one.facts)}:{one.facts.key}", "version": one.facts_version}
    return {
        "at": one.at,
        "title": one.title,
        "who": one.who,
        "how": one.how,
        "why": one.why,
        "differences": [difference_data(told) for told in one.differences],
        "restore": restore,
        "undo": one.change.pk if one.change is not None and can_be_undone(one.change) else None,
    }


def heading_of(block: Any) -> str:
    """The heading that names a block; only of others."""
    return str(block.heading) if block.kind == "other" else ""


def difference_data(told: Any) -> dict[str, str]:
    """A difference as JSON."""
    return {"what": told.what, "before": told.before, "after": told.after}
