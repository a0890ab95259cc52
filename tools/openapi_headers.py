"""What the headers of our answers mean, and which answers always have them (api.md 1.4)."""

from collections.abc import Mapping
from typing import Any

UNLIMITED = ("/health", "/live", "/ready", "/api/v1/webhooks/{")
"""Where no rate limit counts at the gateway: addresses that begin so."""

_ID = {"type": "string", "format": "uuid"}
_SECONDS = {"type": "integer", "minimum": 0}
_COUNT = {"type": "integer", "minimum": 0}

COMPONENTS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "New for each request; stands in problems and logs.",
        "required": True,
        "schema": _ID,
    },
    "X-Correlation-ID": {
        "description": "What was sent, or a new one; stands in every event.",
        "required": True,
        "schema": _ID,
    },
    "RateLimit-Policy": {
        "required": True,
        "description": 'Each policy that counts this request: `"<name>";q=<requests>;w=<seconds>`.',
        "schema": {"type": "string", "pattern": r'^"[a-z]+";q=\d+;w=\d+(, "[a-z]+";q=\d+;w=\d+)*$'},
    },
    "RateLimit": {
        "required": True,
        "description": 'Where one stands with each: `"<name>";r=<remaining>;t=<seconds until it begins anew>`.',
        "schema": {"type": "string", "pattern": r'^"[a-z]+";r=\d+;t=\d+(, "[a-z]+";r=\d+;t=\d+)*$'},
    },
    "X-RateLimit-Limit": {"required": True, "description": "Of the tightest policy: its requests.", "schema": _COUNT},
    "X-RateLimit-Remaining": {
        "required": True,
        "description": "Of the tightest policy: what is left.",
        "schema": _COUNT,
    },
    "X-RateLimit-Reset": {
        "required": True,
        "description": "Of the tightest policy: seconds until it begins anew.",
        "schema": _SECONDS,
    },
    "ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string", "pattern": r'^"\d+"$'}},
    "Idempotent-Replayed": {
        "description": "This answer is a stored one.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "Seconds, on 429, 503 and some 409.", "schema": _SECONDS},
    "WWW-Authenticate": {"description": "On 401.", "schema": {"type": "string"}},
}

_ALWAYS = ("X-Request-Id", "X-Correlation-ID")
_COUNTED = ("RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def with_headers(
    path: str, method: str, operation: dict[str, Any], schemas: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return an operation whose answers name their headers."""
    responses = {
        status: {**response, "headers": _of(path, method, status, response, schemas)}
        for status, response in operation["responses"].items()
    }
    return {**operation, "responses": responses}


def _of(
    path: str, method: str, status: str, response: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    headers = {name: _reference(name) for name in _ALWAYS}
    if status == "default":  # some come before anything is counted
        return headers | {name: _reference(name) for name in ("Retry-After", "WWW-Authenticate")}
    if not path.startswith(UNLIMITED):
        headers |= {name: _reference(name) for name in _COUNTED}
    if "version" in _schema_of(response, schemas).get("required", ()):
        headers["ETag"] = _reference("ETag")
    if method == "post":
        headers["Idempotent-Replayed"] = _reference("Idempotent-Replayed")
    return headers


def _schema_of(response: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schemas.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
