"""The frame around every request: ids, deadline, security headers, log line, metrics, and a problem for what failed.

Plain ASGI: no task and no stream of its own.
"""

import asyncio
import re
import time
from typing import Any

from kernel.ids import is_id, new_id
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from telemetry.logs import get_logger
from telemetry.metrics import counter, gauge, histogram
from telemetry.tracing import continue_trace, current_ids, leave_trace, span

from web.exchange import KEY, Exchange, current_exchange
from web.problems import CODES, Problem, problem_of

log = get_logger(__name__)

REQUESTS = counter("http_requests_total", "answered requests", ("method", "route", "status"))
DURATION = histogram("http_request_duration_seconds", "at the server", ("method", "route"))
IN_FLIGHT = gauge("http_in_flight", "open requests")
AUTH_FAILURES = counter("auth_failures_total", "401 and 403 by code", ("reason",))

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
QUIET_PATHS = ("/health", "/live", "/ready", "/metrics")

SECURITY_HEADERS = tuple(
    (name.lower().encode(), value.encode())
    for name, value in (
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("Referrer-Policy", "no-referrer"),
        ("Permissions-Policy", ""),
        ("Cache-Control", "no-store"),
    )
)
"""On every answer that does not say otherwise itself."""

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class RequestFrame:
    """The outermost layer of an application."""

    def __init__(self, app: ASGIApp, timeout_s: float = 30.0) -> None:
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _exchange_of_headers(scope["headers"])
        scope[KEY] = exchange
        answering = _Answering(scope, exchange, receive, send)
        current = current_exchange.set(exchange)
        trace = continue_trace(exchange.traceparent)
        exchange.bind(request_id=exchange.request_id, correlation_id=exchange.correlation_id)
        IN_FLIGHT.inc()
        try:
            with span(f"HTTP {scope['method']}") as started:
                exchange.bind(**current_ids())
                await self._answer(scope, exchange, answering)
                if started is not None:
                    started.update_name(f"{scope['method']} {exchange.route}")
                    started.set_attribute("http.response.status_code", exchange.status)
                    if exchange.status >= 500:
                        from opentelemetry.trace import StatusCode

                        started.set_status(StatusCode.ERROR)
        finally:
            IN_FLIGHT.dec()
            _account(scope, exchange, answering)
            exchange.unbind()
            leave_trace(trace)
            current_exchange.reset(current)

    async def _answer(self, scope: Scope, exchange: Exchange, answering: "_Answering") -> None:
        deadline = asyncio.timeout(self._timeout_s)
        try:
            async with deadline:
                await self._app(scope, answering.receive, answering.send)
            return
        except Exception as error:
            problem = Problem("timeout") if deadline.expired() else problem_of(error)
            if problem.status >= 500 and not isinstance(error, ConnectionResetError):
                log.error("a request failed", exc_info=error, route=exchange.route)
            if answering.started:
                raise  # too late to say anything: the server cuts the connection
        await _respond(problem.response(exchange, scope["path"]), scope, answering)


class _Answering:
    """Counts what goes in and out, and completes the headers."""

    def __init__(self, scope: Scope, exchange: Exchange, receive: Receive, send: Send) -> None:
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self.started = False
        self.bytes_in = 0
        self.bytes_out = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._exchange.status = message["status"]
            self._complete(message)
        else:
            self.bytes_out += len(message.get("body", b""))
        await self._send(message)

    def _complete(self, message: Message) -> None:
        headers: list[tuple[bytes, bytes]] = [
            (name, b"application/json; charset=utf-8" if value == b"application/json" else value)
            for name, value in message.get("headers", ())
        ]
        present = {name for name, _ in headers}
        headers += [header for header in SECURITY_HEADERS if header[0] not in present]
        headers.append((b"x-request-id", self._exchange.request_id.encode()))
        headers.append((b"x-correlation-id", self._exchange.correlation_id.encode()))
        message["headers"] = headers


async def _respond(response: Response, scope: Scope, answering: _Answering) -> None:
    await response(scope, answering.receive, answering.send)


def _exchange_of_headers(headers: list[tuple[bytes, bytes]]) -> Exchange:
    correlation_id = traceparent = None
    for name, value in headers:
        if name == b"x-correlation-id":
            correlation_id = value.decode("latin-1").strip().lower()
        elif name == b"traceparent":
            traceparent = value.decode("latin-1").strip()
    if correlation_id is None or not is_id(correlation_id):
        correlation_id = new_id()
    if traceparent is not None and not _TRACEPARENT.fullmatch(traceparent):
        traceparent = None
    return Exchange(new_id(), correlation_id, traceparent)


def _account(scope: Scope, exchange: Exchange, answering: _Answering) -> None:
    seconds = time.monotonic() - exchange.started
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(method, exchange.route, str(exchange.status)).inc()
    DURATION.labels(method, exchange.route).observe(seconds)
    if exchange.status in (401, 403):
        AUTH_FAILURES.labels(exchange.code if exchange.code in CODES else "other").inc()
    if scope["path"].startswith(QUIET_PATHS):
        return
    client = scope.get("client")
    fields: dict[str, Any] = {
        "method": method,
        "route": exchange.route,
        "status": exchange.status,
        "duration_ms": round(seconds * 1000, 1),
        "ip": client[0] if client else None,
        "user_agent": _header(scope, b"user-agent")[:200],
        "bytes_in": answering.bytes_in,
        "bytes_out": answering.bytes_out,
    }
    if exchange.code is not None:
        fields["error_code"] = exchange.code
    log.info("request answered", **fields)


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")
