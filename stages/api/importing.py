"""Routes of what comes in and goes out whole: the handbook page, the structure files, the pull, records of imports.

An import tells what it would change; with ``apply`` it does so, all of it or nothing. The answer's ETag stands for what
is told: sent back as ``If-Match`` with ``apply``, exactly that is done or nothing (412).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar, cast

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.etags import answer_with_etag, etag_of, require_match
from portal.api.problems import Conflict
from portal.roles import Role
from portal.wakeups import wake
from stages import pull
from stages.api.common import person
from stages.api.filters import ImportRunFilter
from stages.api.serializers.importing import (
    HandbookUploadSerializer,
    ImportRunSerializer,
    ImportSerializer,
    PullSerializer,
    StructureFilesSerializer,
    StructureImportSerializer,
    StructureReportSerializer,
    StructureUploadSerializer,
    TakeBackSerializer,
    TakenBackSerializer,
    WholeImportRunSerializer,
)
from stages.api.structure import difference_data
from stages.collaboration import Refused
from stages.facts import MODELS
from stages.handbook import taking_back
from stages.handbook.documents import page_of
from stages.handbook.exporting import export_document, export_markdown, export_yaml
from stages.handbook.importing import digest_of, import_page
from stages.handbook.reading import LARGEST, HandbookError, decode_page
from stages.handbook.report import HandbookReport
from stages.models import FormerKey, ImportRun, Stage
from stages.structure.exporting import FILES, export_structure
from stages.structure.reading import Structure, structure_of
from stages.structure.report import StructureReport
from stages.structure.sync import sync_structure
from stages.structure.yamlfile import LARGEST as LARGEST_STRUCTURE
from stages.structure.yamlfile import StructureError, parse_yaml

FORM = "multipart/form-data"
PULL_TASK = "stages.tasks.pull_sources"
MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of what was told: exactly that is done, or nothing."
)


def is_form(request: Request) -> bool:
    """Whether files were handed in as a form does it."""
    return str(request.content_type or "").startswith(FORM)


def told_etag(told: Mapping[str, Any]) -> str:
    """What an import does, as one value."""
    return etag_of("import", repr(told))


def text_of(file: Any, field: str, most: int = LARGEST) -> str:
    """The text of a file that was handed in, of ``most`` bytes."""
    data = file.read(most + 1)
    if len(data) > most:
        raise ValidationError({field: [f"{file.name} is larger than {most // 2**20} MB."]})
    try:
        return decode_page(data, str(file.name))
    except HandbookError as error:
        raise ValidationError({field: [str(error)]}) from error


class HandbookViewSet(viewsets.ViewSet):
    """The handbook page: the catalog as a document, and a document brought into the catalog."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    action_roles: ClassVar[dict[str, Role]] = {"pull": Role.EDITOR}

    @extend_schema(
        parameters=[
            OpenApiParameter("as", str, enum=["markdown", "json", "yaml"], description="json where nothing is said."),
            OpenApiParameter("stage", str, description="Only this stage, by its key."),
        ],
        responses={(200, "text/markdown"): OpenApiTypes.STR, (200, "application/json"): OpenApiTypes.OBJECT,
                   (200, "application/yaml"): OpenApiTypes.ANY},
    )  # fmt: skip
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> HttpResponse | Response:
        """The catalog, or one stage, as Markdown, JSON or YAML."""
        form, key = request.query_params.get("as", "json"), request.query_params.get("stage", "")
        stages = None
        if key:
            stages = list(Stage.objects.select_related("section").filter(key=key))
            if not stages:
                raise NotFound(f"There is no stage {key}.")
        if form == "json":
            return Response(export_document(stages))
        if form not in ("markdown", "yaml"):
            raise ValidationError({"as": ["Choose markdown, json or yaml."]})
        text = export_markdown(stages) if form == "markdown" else export_yaml(stages)
        media = "text/markdown" if form == "markdown" else "application/yaml"
        return HttpResponse(text, content_type=f"{media}; charset=utf-8")

    @extend_schema(
        parameters=[MATCH],
        request={"application/json": ImportSerializer, FORM: HandbookUploadSerializer},
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=False, methods=["post"], url_path="import")
    def import_(self, request: Request) -> Response:
        """Import a page: told what would change, and with ``apply`` done, all of it or nothing."""
        serializer = (HandbookUploadSerializer if is_form(request) else ImportSerializer)(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        field = "file" if "file" in asked else "text"
        text = text_of(asked["file"], "file") if field == "file" else asked["text"]
        source = asked["source"] or (str(asked["file"].name)[:1000] if field == "file" else "API")
        text = text.replace("\r\n", "\n")
        try:
            page = page_of(text, source)
        except HandbookError as error:
            raise ValidationError({field: [str(error)]}) from error
        if not page.stages:
            said = "There is no stage on this page. Expected headings such as “Create Stage” with blocks under them."
            raise ValidationError({field: [said]})
        if asked["partial"]:
            page = replace(page, partial=True)
        with transaction.atomic():
            report = import_page(
                page=page, source=source, digest=digest_of(text), actor=person(request), dry_run=not asked["apply"]
            )
            told = handbook_data(report)
            if asked["apply"]:
                # What was written goes again with the transaction where it is not what was shown.
                require_match(request, told_etag(told))
        return Response({**told, "applied": asked["apply"]}, headers={"ETag": told_etag(told)})

    @extend_schema(methods=["GET"], responses=PullSerializer)
    @extend_schema(methods=["POST"], request=None, responses={202: PullSerializer})
    @action(detail=False, methods=["get", "post"])
    def pull(self, request: Request) -> Response:
        """Where the catalog is pulled from and how the last time went; POST has the source looked at at once."""
        if request.method == "POST":
            wake("catalog", PULL_TASK)
        state = pull.state()
        told = {
            "source": state.source if state else "",
            "page": state.page if state else "",
            "sentence": state.sentence if state else "No source is set (STAGES_PULL_SOURCE).",
            "failed": bool(state and state.failed),
            "at": state.last.finished_at if state and state.last else None,
        }
        return Response(PullSerializer(told).data, status=202 if request.method == "POST" else 200)


def handbook_data(report: HandbookReport) -> dict[str, Any]:
    """What the import of a page does, as JSON."""
    changes = [
        {
            "stage": one.stage,
            "kind": one.kind,
            "heading": one.heading,
            "differences": [difference_data(told) for told in one.differences],
            "conflicts": [told.what for told in one.conflicts],
        }
        for one in report.changes
    ]
    own_texts = [
        {
            "where": one.where,
            "title": one.title,
            "gone": one.gone,
            "differences": [difference_data(told) for told in one.differences],
            "conflicts": [told.what for told in one.conflicts],
        }
        for one in report.own_texts
    ]
    return {**report.as_json(), "changes": changes, "own_texts": own_texts}


class StructureViewSet(viewsets.ViewSet):
    """The structure files: sections, stages with their groups, and categories, as YAML."""

    read_role = Role.VIEWER
    write_role = Role.EDITOR

    @extend_schema(
        parameters=[OpenApiParameter("file", str, enum=list(FILES), description="One file, as YAML.")],
        responses={(200, "application/json"): StructureFilesSerializer, (200, "application/yaml"): OpenApiTypes.ANY},
    )
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> HttpResponse | Response:
        """The structure as it stands: the texts of all files by name, or one file."""
        name, texts = request.query_params.get("file", ""), export_structure()
        if not name:
            return Response(texts)
        if name not in texts:
            raise ValidationError({"file": [f"Choose {', '.join(FILES)}."]})
        return HttpResponse(texts[name], content_type="application/yaml; charset=utf-8")

    @extend_schema(
        parameters=[MATCH],
        request={"application/json": StructureImportSerializer, FORM: StructureUploadSerializer},
        responses=StructureReportSerializer,
    )
    @action(detail=False, methods=["post"], url_path="import")
    def import_(self, request: Request) -> Response:
        """Import structure files: told entry by entry what would change, and with ``apply`` done, all of it or nothing.

        A file that is left out changes nothing; what a file does not name any more is retired, never deleted.
        """
        if is_form(request):
            upload = StructureUploadSerializer(data=request.data)
            upload.is_valid(raise_exception=True)
            asked = upload.validated_data
            files = {name: text_of(asked[name], name, LARGEST_STRUCTURE) for name in FILES if name in asked}
        else:
            serializer = StructureImportSerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            asked = serializer.validated_data
            files = {name: text for name, text in asked["files"].items() if text}
        prefix = "" if is_form(request) else "files."
        if not files:
            raise ValidationError({prefix.rstrip(".") or "detail": [f"Give at least one of {', '.join(FILES)}."]})
        structure = read_files(files, prefix)
        source = asked["source"] or ", ".join(f"{name}.yml" for name in files)
        with transaction.atomic():
            report = sync_structure(
                structure=structure, source=source, actor=person(request), dry_run=not asked["apply"]
            )
            told = structure_data(report, structure)
            if asked["apply"]:
                require_match(request, told_etag(told))
        return Response({**told, "applied": asked["apply"]}, headers={"ETag": told_etag(told)})


def read_files(files: Mapping[str, str], prefix: str) -> Structure:
    """What the texts say; what leaves no sensible reading is refused with file, line and key."""
    try:
        return structure_of({name: parse_yaml(text, f"{name}.yml") for name, text in files.items()})
    except StructureError as error:
        raise ValidationError({f"{prefix}{error.file.removesuffix('.yml')}": [str(error)]}) from error


def structure_data(report: StructureReport, structure: Structure) -> dict[str, Any]:
    """The report entry by entry, those that stay as they are as well."""
    conflicts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    for one in report.conflicts:
        names[one.kind, one.key] = one.name, one.stage
        told = {"field": one.field, "portal": one.kept, "file": one.file_says}
        conflicts.setdefault((one.kind, one.key), []).append(told)
    entries = {
        (one.kind, one.key): {
            "kind": one.kind, "key": one.key, "name": one.name, "stage": one.stage, "how": one.how,
            "fields": [asdict(change) for change in one.fields],
            "conflicts": conflicts.get((one.kind, one.key), []),
        }
        for one in report.changes
    }  # fmt: skip
    former = {(one.kind, one.key): one.target_key for one in FormerKey.objects.all()}
    read = {
        kind: getattr(structure, "categories" if kind == "category" else f"{kind}s") or () for kind in MODELS
    }  # fmt: skip
    for kind, found in read.items():
        for entry in found:
            place = (kind, former.get((kind, entry.key), entry.key))
            name, stage = names.get(place, (str(entry.fields["name"]), ""))
            same = {"kind": kind, "key": place[1], "name": name, "stage": stage, "how": "unchanged", "fields": []}
            entries.setdefault(place, {**same, "conflicts": conflicts.get(place, [])})
    return {
        "counts": {kind: dict(counts) for kind, counts in report.counts.items()},
        "entries": list(entries.values()),
        "irregularities": [asdict(one) for one in report.irregularities],
    }


class ImportRunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ImportRun]):
    """The imports there were, newest first; each alone with its report. One that changed nothing is not among them."""

    action_roles: ClassVar[dict[str, Role]] = {"take_back": Role.EDITOR}

    read_role = Role.VIEWER
    write_role = Role.EDITOR
    queryset = ImportRun.objects.select_related("actor")
    serializer_class = ImportRunSerializer
    filterset_class = ImportRunFilter

    def get_queryset(self) -> Any:
        """Of a list without the reports, which may be long."""
        found = super().get_queryset()
        return found.defer("report") if self.action == "list" else found

    @extend_schema(responses=WholeImportRunSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One with its report and its ETag; it never changes."""
        found = self.get_object()
        etag = etag_of("import run", found.pk, found.at)
        build = lambda: Response(WholeImportRunSerializer(found).data)  # noqa: E731
        return cast(Response, answer_with_etag(request, etag, build))

    def get_scopes(self, run: ImportRun) -> Iterable[str]:
        """Those of the stage that is named, if one is."""
        key = self.request.data.get("stage") if isinstance(self.request.data, dict) else ""
        stage = Stage.objects.select_related("section").filter(key=str(key or "")).first()
        return stage.scopes if stage else ()

    @extend_schema(request=TakeBackSerializer, responses=TakenBackSerializer)
    @action(detail=True, methods=["post"], url_path="take-back", pagination_class=None)
    def take_back(self, request: Request, pk: str = "") -> Response:
        """Take back what the import of a page changed, all of it or of one stage; what changed since stays.

        The answer names the run that did it, which can be taken back itself, and says what stayed.
        """
        found = self.get_object()
        serializer = TakeBackSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked, stage = serializer.validated_data, None
        if asked["stage"]:
            stage = Stage.objects.filter(key=asked["stage"]).first()
            if stage is None:
                raise ValidationError({"stage": [f"There is no stage {asked['stage']}."]})
        try:
            done = taking_back.take_back(run=found, actor=person(request), stage=stage, reason=asked["reason"])
        except Refused as error:
            raise Conflict(str(error)) from error
        return Response(TakenBackSerializer({"run": done.run.pk, "parts": done.parts, "stayed": done.stayed}).data)
