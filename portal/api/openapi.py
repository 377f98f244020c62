"""How the portal's own ways of signing in are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped: it registers itself
    """A personal or service token in the Authorization header."""

    target_class = "portal.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token from your account page."}


PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for people."},
        "code": {"type": "string"},
        "instance": {"type": "string", "description": "The address asked for."},
        "request_id": {"type": "string", "description": "Found again in the log and in the history."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail", "code"],
                "properties": {
                    "field": {"type": "string"},
                    "pointer": {"type": "string", "description": "The place in the body, as a JSON pointer."},
                    "parameter": {"type": "string", "description": "The query parameter."},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}

METHODS = frozenset({"get", "post", "put", "patch", "delete", "options", "head"})


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Say for every operation that its errors are problem documents; DRF's views do not know it of each other."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    reference = {"$ref": "#/components/schemas/Problem"}
    problem = {
        "description": "A problem document that says what was wrong.",
        "content": {"application/problem+json": {"schema": reference}},
    }
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            if method in METHODS:
                operation["responses"].setdefault("4XX", problem)
    return result
