"""Reading the body of a request: one that nests beyond all measure is the asker's error, not a fault of ours."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """DRF's parser of JSON. How large a body may be, ``DATA_UPLOAD_MAX_MEMORY_SIZE`` says; how deep, Python's stack."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The value of the body."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - the body nests too deep.") from error
