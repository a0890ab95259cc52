"""What the OpenAPI document says beyond FastAPI: problems instead of FastAPI's own errors, and our headers."""

from typing import Any

from web.problems import CODES

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "instance", "request_id", "correlation_id", "errors"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:ventros:problem:[a-z_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "enum": sorted({status for status, _ in CODES.values()})},
        "code": {"type": "string", "enum": sorted(CODES)},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string", "format": "uuid"},
        "correlation_id": {"type": "string", "format": "uuid"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_KEY_HEADER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Send the same key to get the same answer again instead of a second effect. Kept for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def describe_problems() -> dict[int | str, dict[str, Any]]:
    """Return the `responses` entry that stands for every refusal of a route."""
    return {
        "default": {
            "description": "A problem (RFC 9457)",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }


def documents_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return FastAPI's document made ours: its 422 answers removed (we answer 400), `Idempotency-Key` on every POST."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM_SCHEMA
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
            if operation.get("x-role") is None:
                operation.pop("x-role", None)
            if method == "post":
                operation.setdefault("parameters", []).append(_KEY_HEADER)
    return document
