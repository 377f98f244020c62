"""The hand-upload form: files in, a preview, and only then stored."""

from __future__ import annotations

from typing import IO, Any, cast

from django.contrib import messages
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from portal.permissions import has_role, requires, signed_in
from portal.roles import Role
from telemetry import conf
from telemetry.models import Upload, UploadItem
from telemetry.statement import Unavailable
from telemetry.verbs.uploads import preview_upload, store_upload


class InMemoryOnly(FileUploadHandler):
    """Files stay in memory, bounded: Django's own handler would write larger ones to disk, personal values included."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.total = 0
        self.chunks: list[bytes] = []
        self.is_full = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin the next file."""
        super().new_file(*args, **kwargs)
        self.chunks = []

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece; too much ends the upload."""
        self.total += len(raw_data)
        if self.total > conf.options.max_batch:
            self.is_full = True
            raise StopUpload(connection_reset=True)
        self.chunks.append(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Hand over the file."""
        import io

        return InMemoryUploadedFile(
            file=cast("IO[bytes]", io.BytesIO(b"".join(self.chunks))),
            field_name=self.field_name,
            name=self.file_name or "file",
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )


@requires(Role.VIEWER)
@csrf_exempt
def upload(request: HttpRequest) -> HttpResponseBase:
    """The form. The CSRF check comes after the handler is in place, since it reads the body."""
    handler = InMemoryOnly(request)
    request.upload_handlers = [handler]
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST":
        handler = request.upload_handlers[0]
        files = request.FILES.getlist("files")
        if isinstance(handler, InMemoryOnly) and handler.is_full:
            messages.error(
                request, f"More than {conf.options.max_batch // conf.MEGABYTE} MB at once; send fewer files."
            )
        elif not files:
            messages.error(request, "Choose at least one file.")
        else:
            made = preview_upload(sources=((file.name or "file", file.read()) for file in files), by=signed_in(request))
            return redirect("telemetry:upload-preview", made.pk)
    return render(
        request,
        "telemetry/upload.html",
        {
            "recent": Upload.objects.filter(by=signed_in(request)).annotate(
                count=Count("items"), left=Count("items", filter=Q(items__state=UploadItem.State.WAITING))
            )[:10],
            "most": conf.options.max_batch // conf.MEGABYTE,
        },
        status=400 if request.method == "POST" else 200,
    )


def _own(request: HttpRequest, upload_id: int) -> Upload:
    uploads = Upload.objects.all()
    if not has_role(request.user, Role.REVIEWER):
        uploads = uploads.filter(by=signed_in(request))
    return get_object_or_404(uploads, pk=upload_id)


@requires(Role.VIEWER)
def preview(request: HttpRequest, upload_id: int) -> HttpResponse:
    """What is in the files, and what would happen or has happened to each."""
    made = _own(request, upload_id)
    items = made.items.select_related("ping")
    counts = dict(items.values_list("state").annotate(count=Count("id")).values_list("state", "count"))
    return render(
        request,
        "telemetry/upload_preview.html",
        {
            "upload": made,
            "page_obj": Paginator(items, 100).get_page(request.GET.get("page")),
            "waiting": counts.get(UploadItem.State.WAITING, 0),
            "counts": [(label, counts.get(value, 0)) for value, label in UploadItem.State.choices],
            "badges": {"waiting": "info", "stored": "ok", "duplicate": "neutral", "refused": "danger"},
            "signatures": {"valid": "ok", "unsigned": "neutral", "unknown": "warning", "invalid": "danger"},
            "may_trust": has_role(request.user, Role.REVIEWER),
            "may_know": has_role(request.user, Role.ADMINISTRATOR),
        },
    )


@requires(Role.VIEWER)
@require_POST
def store(request: HttpRequest, upload_id: int) -> HttpResponseBase:
    """Store what waits; many files take more than one go, and none is stored twice."""
    made = _own(request, upload_id)
    trusted = request.POST.get("trusted") == "1" and has_role(request.user, Role.REVIEWER)
    try:
        left = store_upload(upload=made, trusted=trusted)
    except Unavailable as error:
        messages.error(request, f"{error} What was stored is stored; go on later.")
        return redirect("telemetry:upload-preview", upload_id)
    if left:
        messages.info(request, f"{left} still wait; go on to store them too.")
    else:
        messages.success(request, "Everything is stored. The figures follow in a moment.")
    return redirect("telemetry:upload-preview", upload_id)
