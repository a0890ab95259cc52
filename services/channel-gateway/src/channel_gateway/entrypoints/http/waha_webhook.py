"""The webhook door: raw bytes in, one answer once they are durable. Bare ASGI, outside of the framework, for speed.

`POST /api/v1/webhooks/{webhook_id}`, and the addresses that all channels share: `…/webhooks/waha/{session}` and
`…/webhooks/waha`. Whatever else is asked goes on to the application.
"""

import asyncio
import time
from typing import Any

import msgspec
from kernel.errors import DomainError
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from kernel.ids import new_id
from starlette.types import ASGIApp, Receive, Scope, Send
from telemetry.logs import get_logger
from telemetry.metrics import counter, histogram
from web.exchange import Exchange
from web.frame import SECURITY_HEADERS
from web.problems import problem_of

from channel_gateway.application.receive_webhook import Receipt, ReceiveWebhook, Request

log = get_logger(__name__)

PREFIX = "/api/v1/webhooks/"
SHARED = "waha"
BODY_READ_S = 20.0
LONGEST_KEPT_HEADER = 500

INBOUND = counter("webhook_inbound_total", "the door", ("source", "result"))
DURATION = histogram("webhook_inbound_duration_seconds", "received → answered", ("source",))

_RESULTS = {
    "signature_invalid": "unsigned",
    "malformed_json": "malformed",
    "validation_failed": "malformed",
    "not_found": "unknown",
    "payload_too_large": "too_large",
    "request_timeout": "too_slow",
    "rate_limited": "limited",
    "overloaded": "unavailable",
    "dependency_unavailable": "unavailable",
}
_KEPT_HEADERS = {
    b"content-type": "content-type",
    b"user-agent": "user-agent",
    b"x-webhook-request-id": "x-webhook-request-id",
    b"x-webhook-timestamp": "x-webhook-timestamp",
    b"x-webhook-hmac-algorithm": "x-webhook-hmac-algorithm",
}
_MESSAGES = {
    "applied": "stored and passed on",
    "duplicate": "known already: nothing was done",
    "ignored": "stored: nothing follows from it",
    "kept": "stored: nothing acts on this event yet",
    "parked": "stored: a person has to look at it",
}
_ANSWER_HEADERS = ((b"content-type", b"application/json; charset=utf-8"), *SECURITY_HEADERS)

_encode = msgspec.json.Encoder().encode


class _Gone(Exception):  # noqa: N818 - nobody is there to be told
    """The sender hung up before the body was complete."""


class WahaWebhookDoor:
    """An ASGI application in front of another one."""

    def __init__(
        self, app: ASGIApp, receive: ReceiveWebhook, *, max_bytes: int, failpoints: Failpoints = NO_FAILPOINTS
    ) -> None:
        self._app = app
        self._receive = receive
        self._max_bytes = max_bytes
        self._failpoints = failpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a webhook; pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        try:
            receipt = await self._take_in(scope, receive)
        except _Gone:
            return
        except Exception as error:
            result = await self._refuse(error, scope, send)
        else:
            result = "duplicate" if receipt.state == "duplicate" else "accepted"
            self._failpoints.reach("ingress.before_answer")
            await _answer(receipt, send)
        INBOUND.labels("waha", result).inc()
        DURATION.labels("waha").observe(time.monotonic() - started)

    async def _take_in(self, scope: Scope, receive: Receive) -> Receipt:
        place = scope["path"][len(PREFIX) :]
        request = await self._request(scope, receive)
        if place == SHARED:
            return await self._receive.by_session(None, request)
        if place.startswith(f"{SHARED}/"):
            return await self._receive.by_session(place[len(SHARED) + 1 :], request)
        return await self._receive.by_webhook(place, request)

    async def _request(self, scope: Scope, receive: Receive) -> Request:
        signatures: list[str] = []
        algorithms: list[str] = []
        kept: dict[str, str] = {}
        for name, value in scope["headers"]:
            if name == b"x-webhook-hmac":
                signatures.append(value.decode("latin-1"))
            elif name == b"content-length" and (not value.isdigit() or int(value) > self._max_bytes):
                raise self._too_large()
            elif name in _KEPT_HEADERS:
                text = value[:LONGEST_KEPT_HEADER].decode("latin-1").replace("\x00", "")
                kept[_KEPT_HEADERS[name]] = text
                if name == b"x-webhook-hmac-algorithm":
                    algorithms.append(text)
        return Request(await self._body(receive), signatures, algorithms, kept)

    async def _body(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(BODY_READ_S):
                message = await receive()
                body: bytes = message.get("body", b"")
                if message["type"] == "http.request" and not message.get("more_body"):
                    if len(body) > self._max_bytes:
                        raise self._too_large()
                    return body
                chunks, size = [], 0
                while True:
                    if message["type"] == "http.disconnect":
                        raise _Gone
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise self._too_large()
                    chunks.append(chunk)
                    if not message.get("more_body"):
                        return b"".join(chunks)
                    message = await receive()
        except TimeoutError:
            raise DomainError("request_timeout", "the body came too slowly") from None

    def _too_large(self) -> DomainError:
        return DomainError("payload_too_large", f"at most {self._max_bytes} bytes")

    async def _refuse(self, error: Exception, scope: Scope, send: Send) -> str:
        problem = problem_of(error)
        exchange = Exchange(new_id(), new_id())
        if problem.code == "internal_error":
            log.error("a webhook failed", exc_info=error, request_id=exchange.request_id)
        response = problem.response(exchange, scope["path"])
        headers: list[tuple[bytes, bytes]] = [
            *response.raw_headers,
            *SECURITY_HEADERS,
            (b"x-request-id", exchange.request_id.encode()),
            (b"x-correlation-id", exchange.correlation_id.encode()),
        ]
        await _send(send, response.status_code, headers, bytes(response.body))
        return _RESULTS.get(problem.code, "failed")


async def _answer(receipt: Receipt, send: Send) -> None:
    delivery = receipt.delivery
    body = _encode(
        {
            "status": "duplicate" if receipt.state == "duplicate" else "queued",
            "event_id": delivery.id,
            "webhook_id": delivery.channel.webhook_id,
            "channel_id": delivery.channel.id,
            "session": delivery.session or delivery.channel.session,
            "message": _MESSAGES[receipt.state],
        }
    )
    identifier = delivery.id.encode()
    headers = [
        *_ANSWER_HEADERS,
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", identifier),
        (b"x-correlation-id", identifier),
    ]
    await _send(send, 200, headers, body)


async def _send(send: Send, status: int, headers: Any, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
