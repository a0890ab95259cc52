"""Every refusal as one `application/problem+json` document (RFC 9457), from one closed table of codes.

Nothing of the inside is told: no SQL, stack, host name, nor the value that was refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi.exceptions import RequestValidationError, ResponseValidationError
from kernel.errors import DomainError, FieldError
from kernel.failures import Failure
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.exchange import Exchange

MEDIA_TYPE = "application/problem+json"
MOST_FIELD_ERRORS = 100
MOST_POINTER_CHARACTERS = 200

CODES: Mapping[str, tuple[int, str]] = {
    "malformed_json": (400, "The body is not JSON"),
    "validation_failed": (400, "The request is not valid"),
    "invalid_id": (400, "An id is malformed"),
    "invalid_cursor": (400, "The cursor is not valid"),
    "invalid_filter": (400, "There is no such filter"),
    "invalid_sort": (400, "This list is not sorted that way"),
    "limit_out_of_range": (400, "The limit is out of range"),
    "two_credentials": (400, "Two credentials were sent"),
    "unauthenticated": (401, "Sign in first"),
    "invalid_credentials": (401, "The credentials are wrong"),
    "token_expired": (401, "The token has expired"),
    "token_revoked": (401, "The token was revoked"),
    "api_key_expired": (401, "The API key has expired"),
    "signature_invalid": (401, "The signature is wrong or missing"),
    "account_suspended": (402, "The account is suspended"),
    "quota_exceeded": (402, "The quota is used up"),
    "permission_denied": (403, "Permission denied"),
    "origin_not_allowed": (403, "The origin is not allowed"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "not_acceptable": (406, "Not acceptable"),
    "request_timeout": (408, "The request came too slowly"),
    "already_exists": (409, "It exists already"),
    "conflict": (409, "Somebody else changed it"),
    "invalid_state": (409, "Its state forbids that"),
    "idempotency_in_progress": (409, "The same request is still running"),
    "last_admin": (409, "The last one cannot go"),
    "not_empty": (409, "It is not empty"),
    "cursor_expired": (410, "The cursor has expired"),
    "media_expired": (410, "The media has expired"),
    "version_conflict": (412, "It has changed meanwhile"),
    "payload_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "rule_violated": (422, "A rule refuses that"),
    "url_not_allowed": (422, "The address is not allowed"),
    "window_closed": (422, "The messaging window is closed"),
    "not_supported_by_channel": (422, "The channel cannot do that"),
    "idempotency_key_reused": (422, "The idempotency key was used for another request"),
    "loop_detected": (422, "That would run in circles"),
    "too_many": (422, "Too many"),
    "ambiguous_channel": (422, "More than one channel is possible"),
    "rate_limited": (429, "Too many requests"),
    "too_many_attempts": (429, "Too many attempts"),
    "internal_error": (500, "Something went wrong"),
    "provider_error": (502, "The provider failed"),
    "dependency_unavailable": (503, "Something that is needed is away"),
    "overloaded": (503, "Overloaded"),
    "timeout": (504, "It took too long"),
}

_BY_STATUS = {
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "dependency_unavailable",
    504: "timeout",
}

_RETRY_AFTER_S = {"dependency_unavailable": 5, "overloaded": 1, "idempotency_in_progress": 1}

_OURS = frozenset(("type", "title", "status", "code", "detail", "instance", "request_id", "correlation_id", "errors"))


@dataclass(frozen=True)
class Problem:
    """A refusal, ready to be told."""

    code: str
    detail: str = ""
    fields: Sequence[FieldError] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return CODES[self.code][0]

    def response(self, exchange: Exchange, instance: str) -> Response:
        """Return the document; `instance` is the path that was asked for."""
        status, title = CODES[self.code]
        document: dict[str, Any] = {
            "type": f"urn:ventros:problem:{self.code}",
            "title": title,
            "status": status,
            "code": self.code,
            "detail": self.detail,
            "instance": instance,
            "request_id": exchange.request_id,
            "correlation_id": exchange.correlation_id,
            "errors": [
                {"pointer": each.pointer, "code": each.code, "detail": each.detail}
                for each in self.fields[:MOST_FIELD_ERRORS]
            ],
        }
        document.update((name, value) for name, value in self.facts.items() if name not in _OURS)
        headers = dict(self.headers)
        if status == 401:
            headers.setdefault("WWW-Authenticate", 'Bearer realm="ventros"')
        if self.code in _RETRY_AFTER_S:
            headers.setdefault("Retry-After", str(_RETRY_AFTER_S[self.code]))
        exchange.code = self.code
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
        return Response(body, status, headers, MEDIA_TYPE)


def problem_of(error: BaseException) -> Problem:
    """Return how an error is told. What is not meant for callers becomes internal_error, and is logged by the frame."""
    if isinstance(error, DomainError):
        if error.code not in CODES:
            return Problem("internal_error")
        facts = dict(error.facts)
        retry_after = facts.pop("retry_after", None)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return Problem(error.code, error.detail, error.fields, facts, headers)
    if isinstance(error, RequestValidationError):
        return _refused_values(error.errors())
    if isinstance(error, ResponseValidationError):
        return Problem("internal_error")
    if isinstance(error, HTTPException):
        code = _BY_STATUS.get(error.status_code) or (
            "validation_failed" if error.status_code < 500 else "internal_error"
        )
        return Problem(code, headers=error.headers or {})
    return Problem(_code_of_failure(error))


def _code_of_failure(error: BaseException) -> str:
    # Where no database is used (the gateway), its driver is not loaded to find that out.
    from postgres.failures import classify

    failure = classify(error)
    if failure is Failure.INFRASTRUCTURE:
        return "dependency_unavailable"
    return "conflict" if failure in (Failure.CONFLICT, Failure.RACE) else "internal_error"


_FIELD_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "unexpected_keyword_argument": "unknown_field",
    "string_too_short": "too_short",
    "bytes_too_short": "too_short",
    "too_short": "too_short",
    "string_too_long": "too_long",
    "bytes_too_long": "too_long",
    "too_long": "too_long",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "multiple_of": "out_of_range",
    "finite_number": "out_of_range",
    "limit_out_of_range": "out_of_range",
    "int_parsing_size": "out_of_range",
    "enum": "not_in_enum",
    "literal_error": "not_in_enum",
    "union_tag_invalid": "not_in_enum",
    "union_tag_not_found": "missing",
    "string_pattern_mismatch": "bad_format",
    "value_error": "bad_format",
    "invalid_id": "bad_format",
}
"""pydantic's error types → our field codes. Types that validators of ours raise are field codes themselves."""

_OWN_CODES = frozenset((*_FIELD_CODES.values(), "wrong_type", "not_unique", "not_found", "not_allowed"))


def _refused_values(errors: Sequence[Mapping[str, Any]]) -> Problem:
    code = "validation_failed"
    fields: list[FieldError] = []
    for error in errors:
        place, *path = error["loc"] or ("body",)
        kind = error["type"]
        if kind == "json_invalid":
            return Problem("malformed_json", "the body is not JSON")
        if place == "path":
            return Problem("invalid_id", f"{path[0]} is not a lower-case UUID" if path else "")
        if kind == "invalid_id" and place == "query":
            code = "invalid_id"
        elif kind == "limit_out_of_range":
            code = "limit_out_of_range"
        fields.append(FieldError(_pointer(place, path), _field_code(kind), _detail(error)))
    count = len(fields)
    return Problem(code, "1 field needs attention" if count == 1 else f"{count} fields need attention", fields)


def _field_code(kind: str) -> str:
    return _FIELD_CODES.get(kind) or (kind if kind in _OWN_CODES else "wrong_type")


def _detail(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "missing":
        return "required"
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind in ("literal_error", "enum"):
        return f"{context.get('expected', 'another value')} expected"
    return str(error.get("msg", "")).removeprefix("Value error, ")[:300]


def _pointer(place: object, path: Sequence[object]) -> str:
    if place == "query":
        return f"?{path[0] if path else ''}"[:MOST_POINTER_CHARACTERS]
    if place in ("header", "cookie"):
        return f"#{'-'.join(word.capitalize() for word in str(path[0] if path else '').replace('_', '-').split('-'))}"
    return pointer_to(path)


def pointer_to(path: Sequence[object]) -> str:
    """Return the JSON pointer (RFC 6901) of a path into the body."""
    escaped = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in escaped)[:MOST_POINTER_CHARACTERS]
