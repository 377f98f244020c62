"""Importing in the browser: first what it would change, then exactly that; what was imported, and what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.permissions import has_role, requires
from portal.roles import Role
from portal.saying import Offer, Said, say
from portal.wakeups import wake
from stages import disputes, pull
from stages.blockform import whole_number
from stages.collaboration import Refused
from stages.handbook import taking_back
from stages.handbook.documents import page_of
from stages.handbook.importing import digest_of, forget_previews, import_page
from stages.handbook.parsing import Page
from stages.handbook.reading import LARGEST, HandbookError, decode_page
from stages.handbook.report import STARTS, TEXTS, BlockChange, OwnTextChange
from stages.models import ImportConflict, ImportPreview, ImportRun, Stage
from stages.pages.editor import person
from stages.structure.exporting import FILES as STRUCTURE_FILES
from stages.structure.exporting import export_structure
from stages.structure.reading import Structure, structure_of
from stages.structure.sync import sync_structure
from stages.structure.yamlfile import LARGEST as LARGEST_STRUCTURE
from stages.structure.yamlfile import StructureError, parse_yaml

NOTHING = "Nothing was imported."
MOST_PASTED = 2_000_000


class Unreadable(Exception):
    """What was handed in cannot be imported; the sentence says why."""


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def import_handbook(request: HttpRequest) -> HttpResponse:
    """Choose a page or paste it, see the difference per stage, then import it."""
    if request.method == "GET":
        return show(request, "handbook")
    if request.POST.get("action") == "import":
        return write_handbook(request)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    source = request.POST.get("source", "").replace("\x00", "") or "pasted text"
    try:
        upload = request.FILES.get("file")
        if upload is not None:
            source, text = str(upload.name), decode_page(upload.read(LARGEST + 1), str(upload.name))
        elif len(text) > MOST_PASTED:
            raise Unreadable(
                f"{len(text):,} characters were pasted; {MOST_PASTED:,} fit. Hand longer pages in as a file."
            )
        partial = "partial" in request.POST
        page = read_page(source, text, partial=partial)
        if not page.stages or "\x00" in text:
            raise Unreadable("There is no stage on this page. Expected headings such as “Create Stage” with blocks.")
    except (HandbookError, Unreadable) as error:
        return show(
            request, "handbook", status=422, error=f"{error} {NOTHING}", text=text if "\x00" not in text else ""
        )
    report = import_page(page=page, source=source, digest=digest_of(text), actor=person(request), dry_run=True)
    changes: dict[str, list[BlockChange | OwnTextChange]] = defaultdict(list)
    for change in report.changes:
        changes[change.stage].append(change)
    for own in report.own_texts:
        changes[own.where].append(own)
    undecided = {name: sum(len(one.conflicts) for one in found) for name, found in changes.items()}
    preview = [
        (name, counts, changes.get(name, []), undecided.get(name, 0)) for name, counts in report.all_counts.items()
    ]
    kept = keep(request, "handbook", {source: text}, partial=partial)
    return show(request, "handbook", preview=preview, kept=kept, report=report, source=source)


def write_handbook(request: HttpRequest) -> HttpResponse:
    """Import the page that was shown."""
    kept = shown_before(request, "handbook")
    ((source, text),) = kept.files.items()
    page = read_page(source, text, partial=kept.partial)
    report = import_page(page=page, source=source, digest=digest_of(text), actor=person(request))
    kept.delete()
    created = sum(counts.created for counts in report.all_counts.values())
    updated = sum(counts.updated for counts in report.all_counts.values())
    messages.success(request, f"Imported: {created} created, {updated} updated.")
    blocks = sum(len(one.conflicts) for one in report.changes)
    if undecided := blocks + sum(len(one.conflicts) for one in report.own_texts):
        waits = "change waits" if undecided == 1 else "changes wait"
        messages.warning(request, f"{undecided} {waits} for a decision below; the portal's text stands.")
    return redirect("stages:import")


def read_page(source: str, text: str, *, partial: bool) -> Page:
    """The page that was handed in; ``partial`` when somebody says that it is only a part."""
    page = page_of(text, source)
    return replace(page, partial=True) if partial else page


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def import_structure(request: HttpRequest) -> HttpResponse:
    """Choose the structure files, see what they would change per stage, then import them."""
    if request.method == "GET":
        return show(request, "structure")
    if request.POST.get("action") == "import":
        return write_structure(request)
    try:
        files = {name: uploaded(file, name) for name in STRUCTURE_FILES if (file := request.FILES.get(name))}
        if not files:
            raise Unreadable("Choose at least one of the three files.")
        structure = structure_from(files)
    except (Unreadable, StructureError) as error:
        return show(request, "structure", status=422, error=f"{error} {NOTHING}")
    source = ", ".join(f"{name}.yml" for name in files)
    report = sync_structure(structure=structure, source=source, actor=person(request), dry_run=True)
    kinds: dict[str, list[Any]] = defaultdict(list)
    for found in report.irregularities:
        kinds[found.kind.replace("_", " ")].append(found)
    return show(
        request, "structure", report=report, kept=keep(request, "structure", files), irregular=sorted(kinds.items()),
        by_stage=report.by_stage(), source=source,
    )  # fmt: skip


def write_structure(request: HttpRequest) -> HttpResponse:
    """Import the files that were shown."""
    kept = shown_before(request, "structure")
    source = ", ".join(f"{name}.yml" for name in kept.files)
    report = sync_structure(structure=structure_from(kept.files), source=source, actor=person(request))
    kept.delete()
    words = [
        f"{counts['created']} {kind} created, {counts['updated']} updated, {counts['retired']} retired"
        for kind, counts in report.counts.items()
        if counts["created"] or counts["updated"] or counts["retired"]
    ]
    messages.success(request, f"Imported: {'; '.join(words) or 'nothing was new'}.")
    if report.conflicts:
        messages.warning(request, f"{len(report.conflicts)} values wait for a decision below; the portal's stand.")
    return redirect("stages:import-structure")


def uploaded(file: UploadedFile[Any], name: str) -> str:
    """The text of a structure file that was handed in."""
    data = file.read(LARGEST_STRUCTURE + 1)
    if len(data) > LARGEST_STRUCTURE:
        raise Unreadable(f"{name}.yml is larger than {LARGEST_STRUCTURE // 2**20} MB.")
    try:
        return decode_page(data, f"{name}.yml")
    except HandbookError as error:
        raise Unreadable(str(error)) from error


def structure_from(files: Mapping[str, str]) -> Structure:
    """What the texts of the files say."""
    return structure_of({name: parse_yaml(text, f"{name}.yml") for name, text in files.items()})


def keep(request: HttpRequest, kind: str, files: Mapping[str, str], *, partial: bool = False) -> ImportPreview:
    """Keep what was shown, so that just that is imported."""
    forget_previews()
    return ImportPreview.objects.create(kind=kind, files=dict(files), partial=partial, user=person(request))


def shown_before(request: HttpRequest, kind: str) -> ImportPreview:
    """What this person was shown."""
    number = whole_number(request.POST.get("preview", "")) or 0
    return get_object_or_404(ImportPreview, pk=number, kind=kind, user=person(request))


def show(request: HttpRequest, kind: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """One of the two import pages, with what waits for a decision and what was imported before."""
    context |= {
        "kind": kind,
        "runs": ImportRun.objects.select_related("actor")[:20],
        "conflicts": ImportConflict.objects.filter(state="open").select_related("block__stage"),
        "disagreements": disputes.disagreements(),
        "pull": pull.state(),
    }
    return render(request, f"stages/import_{kind}.html", context, status=status)


COLUMNS = {
    "structure": {"created": "new", "updated": "changed", "unchanged": "unchanged", "retired": "retired"},
    "handbook": {
        "created": "new", "updated": "changed", "unchanged": "unchanged",
        "missing_from_source": "no longer in the source",
    },
}  # fmt: skip


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One import that was run: of what, by whom, how much of each it changed; and taking that back."""
    found = get_object_or_404(ImportRun.objects.select_related("actor"), pk=pk)
    if request.method == "POST":
        return take_back_run(request, found)
    columns = COLUMNS.get(found.kind, COLUMNS["handbook"])
    report = found.report
    if found.kind != "structure":
        own = {STARTS: report.get("starting_points", {}), TEXTS: report.get("page_texts", {})}
        report = {**report.get("stages", {}), **{name: counts for name, counts in own.items() if counts}}
    rows = [
        (name, [counts.get(column, 0) for column in columns])
        for name, counts in report.items()
        if isinstance(counts, dict) and "created" in counts
    ]
    waiting = found.conflicts.filter(state="open").count() + found.field_conflicts.filter(state="open").count()
    everywhere = has_role(request.user, Role.EDITOR)
    places = [one for one in taking_back.places(found) if one.parts]
    context = {
        "run": found,
        "columns": columns.values(),
        "rows": rows,
        "conflicts": waiting,
        "can_edit": everywhere,
        "places": [
            one for one in places if everywhere or (one.stage and has_role(request.user, Role.EDITOR, one.stage.scopes))
        ],
        "parts": sum(one.parts for one in places),
        "back": ImportRun.objects.filter(pk=found.report.get("took_back", 0)).first(),
    }
    return render(request, "stages/import_run.html", context)


def take_back_run(request: HttpRequest, found: ImportRun) -> HttpResponse:
    """Take back what a run changed, on one stage or all of it, and offer to undo that."""
    user, stage = person(request), None
    if key := request.POST.get("stage", ""):
        stage = get_object_or_404(Stage.objects.select_related("section"), key=key)
    if not has_role(user, Role.EDITOR, stage.scopes if stage else ()):
        raise PermissionDenied(f"This needs the role editor for {stage.name if stage else 'everything'}.")
    try:
        done = taking_back.take_back(run=found, actor=user, stage=stage)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("stages:import-run", pk=found.pk)
    parts = f"{done.parts} part{'' if done.parts == 1 else 's'}"
    again = found.kind == taking_back.KIND
    sentence = f"Undone: {parts} say again what they said." if again else f"Taken back: {parts} changed."
    fields = {"stage": stage.key} if stage else {}
    offer = Offer(
        label="Redo" if again else "Undo", url=reverse("stages:import-run", args=[done.run.pk]), fields=fields
    )
    say(request, Said(sentence=sentence, offer=offer))
    for one in done.stayed:
        messages.warning(request, one)
    return redirect(stage.get_absolute_url() if stage else reverse("stages:import-run", args=[found.pk]))


@requires(Role.VIEWER)
def export_file(request: HttpRequest, name: str) -> HttpResponse:
    """One of the structure files as the structure stands now."""
    if name not in STRUCTURE_FILES:
        raise Http404(f"There is no structure file {name}.yml; there are {', '.join(STRUCTURE_FILES)}.")
    response = HttpResponse(export_structure()[name], content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.yml"'
    return response


@requires(Role.EDITOR)
@require_http_methods(["POST"])
def pull_now(request: HttpRequest) -> HttpResponse:
    """Ask for the scheduled pull at once."""
    wake("catalog", "stages.tasks.pull_sources")
    messages.success(request, "The source is looked at now; the result appears under Scheduled pull.")
    return redirect("stages:import")
