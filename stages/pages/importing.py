"""Importing a handbook page in the browser: first what it would change, then the import itself."""

from __future__ import annotations

from collections import defaultdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.permissions import requires
from portal.roles import Role
from stages.handbook.importing import BlockChange, digest_of, import_page
from stages.handbook.parsing import parse_page
from stages.handbook.reading import LARGEST, HandbookError, decode_page
from stages.models import ImportConflict, ImportRun
from stages.pages.editor import person


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def import_handbook(request: HttpRequest) -> HttpResponse:
    """Choose a page or paste it, see the difference per stage, then import it."""
    context: dict[str, object] = {
        "runs": ImportRun.objects.select_related("actor")[:20],
        "conflicts": ImportConflict.objects.filter(state="open").select_related("block__stage"),
    }
    if request.method == "GET":
        return render(request, "stages/import.html", context)
    text, source = request.POST.get("text", "").replace("\r\n", "\n"), request.POST.get("source", "") or "pasted text"
    upload = request.FILES.get("file")
    if upload is not None:
        source = str(upload.name)
        try:
            text = decode_page(upload.read(LARGEST + 1), source)
        except HandbookError as error:
            return render(
                request, "stages/import.html", {**context, "error": f"{error} Nothing was imported."}, status=422
            )
    page = parse_page(text)
    if not page.stages or "\x00" in text:
        said = "There is no stage on this page. Expected headings such as “Create Stage” with blocks under them."
        return render(request, "stages/import.html", {**context, "error": said, "text": text}, status=422)
    write = request.POST.get("action") == "import"
    report = import_page(page=page, source=source, digest=digest_of(text), actor=person(request), dry_run=not write)
    if write:
        created = sum(counts.created for counts in report.stages.values())
        updated = sum(counts.updated for counts in report.stages.values())
        messages.success(request, f"Imported: {created} created, {updated} updated.")
        return redirect("stages:import")
    changes: dict[str, list[BlockChange]] = defaultdict(list)
    for change in report.changes:
        changes[change.stage].append(change)
    preview = [(name, counts, changes.get(name, [])) for name, counts in report.stages.items()]
    context |= {"text": text, "source": source, "preview": preview, "starts": report.starting_points}
    return render(request, "stages/import.html", context)
