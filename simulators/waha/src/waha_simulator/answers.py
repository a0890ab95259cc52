"""WAHA's error answers, in the shapes that differ by who made them: NestJS, a session guard, or an engine."""

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
NOT_WORKING = "Session status is not as expected. Try again later or restart the session"


class ApiError(Exception):
    """An answer that is an error, with the body exactly as WAHA writes it."""

    def __init__(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def validation(*messages: str) -> ApiError:
    """400: `message` is an array."""
    return ApiError(400, {"message": list(messages), "error": "Bad Request", "statusCode": 400})


def unauthorized() -> ApiError:
    return ApiError(401, {"message": "Unauthorized", "statusCode": 401})


def not_found(message: str = "Session not found") -> ApiError:
    return ApiError(404, {"message": message, "error": "Not Found", "statusCode": 404})


def file_not_found() -> ApiError:
    details = "File not found or no longer available"
    error = {"code": 404, "key": "FILE_NOT_FOUND", "message": "File not found", "details": details}
    return ApiError(404, {"error": error})


def wrong_status(session: str, status: str, *expected: str) -> ApiError:
    """422 of the session guard: without `statusCode` and `message`."""
    return ApiError(422, {"error": NOT_WORKING, "session": session, "status": status, "expected": list(expected)})


def unprocessable(message: str) -> ApiError:
    return ApiError(422, {"message": message, "error": "Unprocessable Entity", "statusCode": 422})


def rate_limited(seconds: float) -> ApiError:
    """429 of a proxy: WAHA has none of its own."""
    return ApiError(429, {"message": "Too Many Requests"}, {"retry-after": str(int(seconds))})


def not_implemented(engine: str) -> ApiError:
    message = (
        f"The method is not implemented by '{engine}' engine. "
        "Check the docs and try another engine: https://waha.devlike.pro/"
    )
    return ApiError(501, {"message": message, "error": "Not Implemented", "statusCode": 501})


def thrown(text: str, *, request: Json, version: Json, grpc: bool = False) -> ApiError:
    """500: whatever an engine threw, with the whole request echoed back. GOWS speaks gRPC and adds a code and
    details.
    """
    exception: Json = {"message": f"2 UNKNOWN: {text}" if grpc else text, "name": "Error", "stack": f"Error: {text}"}
    if grpc:
        exception |= {"code": 2, "details": text}
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"statusCode": 500, "timestamp": now, "exception": exception, "request": request, "version": version}
    return ApiError(500, body)
