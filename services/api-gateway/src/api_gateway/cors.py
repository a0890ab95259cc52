"""Which pages of other origins may read our answers: those that are listed, exactly, and none by default. No cookies."""

from collections.abc import Iterable

from kernel.errors import DomainError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    "X-API-Key, X-Correlation-ID, X-Project-Id, traceparent, tracestate"
)
ANSWER_HEADERS = (
    "Deprecation, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "X-Correlation-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
)
KEPT_S = 600


class Cors:
    """The layer around everything: a listed origin is echoed on every answer, errors included."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        origin = _origin(scope) if self._origins and scope["type"] == "http" else None
        if origin is None:
            await self._app(scope, receive, send)
            return

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(b"vary", b"Origin")]
                if origin in self._origins:
                    more.append((b"access-control-allow-origin", origin))
                    more.append((b"access-control-expose-headers", ANSWER_HEADERS.encode()))
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        await self._app(scope, receive, send_with_origin)


def is_preflight(request: Request) -> bool:
    """Tell whether a browser asks if it may ask."""
    return (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )


def answer_preflight(request: Request, origins: Iterable[str], methods: Iterable[str]) -> Response:
    """Return what a page of a listed origin may do here; raise origin_not_allowed for any other."""
    if request.headers["origin"] not in origins:
        raise DomainError("origin_not_allowed", "pages of this origin may not call us")
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
            "Access-Control-Allow-Headers": REQUEST_HEADERS,
            "Access-Control-Max-Age": str(KEPT_S),
        },
    )


def _origin(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"origin"), None)
