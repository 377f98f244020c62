"""Whole lists as NDJSON or CSV, streamed: memory stays flat however long the list is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

ROWS_PER_CHUNK = 500
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written to it, so that ``csv`` can write into a stream."""

    def write(self, text: str) -> str:
        return text


def ndjson_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON object a line, many lines a chunk."""
    encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    source = iter(rows)
    while chunk := list(islice(source, ROWS_PER_CHUNK)):
        yield "".join(encode(row) + "\n" for row in chunk)


def csv_cell(value: Any) -> Any:
    """A value as a cell: nothing for ``None``, JSON for nested values, text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def csv_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """A head line, then a line per row with the columns asked for."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    source = iter(rows)
    while chunk := list(islice(source, ROWS_PER_CHUNK)):
        yield "".join(writer.writerow([csv_cell(row.get(column)) for column in columns]) for row in chunk)


def stream_ndjson(rows: Iterable[Mapping[str, Any]], *, filename: str) -> StreamingHttpResponse:
    """Rows as a downloadable NDJSON file."""
    return _download(ndjson_lines(rows), "application/x-ndjson", filename)


def stream_csv(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str], filename: str) -> StreamingHttpResponse:
    """Rows as a downloadable CSV file."""
    return _download(csv_lines(rows, columns), "text/csv; charset=utf-8", filename)


def _download(lines: Iterator[str], content_type: str, filename: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["X-Accel-Buffering"] = "no"
    return response


class BulkExport:
    """Adds ``export/?as=ndjson|csv`` to a viewset: exactly the rows that the same filters list, all of them."""

    export_name = "export"

    @extend_schema(
        parameters=[OpenApiParameter("as", str, enum=["ndjson", "csv"], default="ndjson")],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, methods=["get"], url_path="export", pagination_class=None)
    def export(self, request: Request) -> HttpResponseBase:
        """All rows of the list as a stream."""
        wanted = request.query_params.get("as", "ndjson")
        if wanted not in {"ndjson", "csv"}:
            raise ValidationError({"as": ["Ask for ndjson or csv."]})
        view: Any = self
        queryset = view.filter_queryset(view.get_queryset())
        serializer = view.get_serializer()
        rows = (serializer.to_representation(row) for row in queryset.iterator(chunk_size=2000))
        if wanted == "csv":
            columns = [name for name, part in serializer.fields.items() if not part.write_only]
            return stream_csv(rows, columns=columns, filename=f"{self.export_name}.csv")
        return stream_ndjson(rows, filename=f"{self.export_name}.ndjson")
