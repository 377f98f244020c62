"""Reading the body of a request: one that nests beyond all measure, or holds what is no text, is the asker's error."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """DRF's parser of JSON. How large a body may be, ``DATA_UPLOAD_MAX_MEMORY_SIZE`` says; how deep, Python's stack."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The value of the body."""
        try:
            value = super().parse(stream, media_type, parser_context)
            # Half of a character can be neither stored nor told in an answer, be it as a value or as the name of one.
            json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("JSON parse error - the body nests too deep.") from error
        except UnicodeEncodeError as error:
            raise ParseError("JSON parse error - the body holds half of a character (a lone surrogate).") from error
        return value
