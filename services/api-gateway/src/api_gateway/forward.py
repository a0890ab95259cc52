"""Passing a request on to the service that answers it, and the answer back.

Of the caller's headers only a closed list travels on: no credential, cookie or claim about who asks. Inbound webhooks
are the exception: providers sign what they send, so their headers and bytes go on untouched.
"""

from collections.abc import AsyncIterator

from kernel.errors import DomainError
from starlette.requests import Request
from starlette.responses import Response
from telemetry.tracing import current_traceparent
from web.caller import Caller
from web.exchange import Exchange, exchange_of
from web.internal_tokens import HEADER, InternalTokenIssuer
from web.json_bodies import MOST_JSON_BYTES, read_within

from api_gateway.operations import Operation
from api_gateway.upstream import Answer, RawHeaders, Upstreams

MOST_WEBHOOK_BYTES = 10 * 1024 * 1024
WEBHOOKS = "/api/v1/webhooks/"

PASSED_ON = frozenset(
    (
        b"accept",
        b"accept-language",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"tracestate",
        b"user-agent",
    )
)
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_NOT_ON_WEBHOOKS = HOP_BY_HOP | {
    b"authorization",
    b"content-length",
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"traceparent",
    b"x-api-key",
    b"x-correlation-id",
    b"x-internal-token",
    b"x-real-ip",
    b"x-request-id",
}
_NOT_BACK = HOP_BY_HOP | {b"content-length", b"date", b"server", b"set-cookie", b"x-correlation-id"}


def is_webhook(operation: Operation) -> bool:
    """Tell whether an operation takes what a provider posts."""
    return operation.path.startswith(WEBHOOKS) and operation.method == "POST"


class Forwarder:
    """Passes requests on."""

    def __init__(
        self,
        upstreams: Upstreams,
        issuer: InternalTokenIssuer,
        *,
        most_json_bytes: int = MOST_JSON_BYTES,
        most_webhook_bytes: int = MOST_WEBHOOK_BYTES,
    ) -> None:
        self._upstreams = upstreams
        self._issuer = issuer
        self._most_json_bytes = most_json_bytes
        self._most_webhook_bytes = most_webhook_bytes

    async def body(self, request: Request) -> bytes:
        """Return the request's body; raise payload_too_large."""
        return await read_within(request, self._most_json_bytes)

    async def forward(
        self, request: Request, operation: Operation, target: str, body: bytes, caller: Caller | None, address: str
    ) -> Answer:
        """Return the service's answer to a request of `caller`, who came from `address`."""
        exchange = exchange_of(request.scope)
        headers = [pair for pair in request.headers.raw if pair[0] in PASSED_ON]
        headers += self._told(exchange, address)
        if caller is not None:
            headers.append((HEADER.encode(), self._issuer.issue(caller, operation.service).encode()))
        return await self._upstreams[operation.service].ask(operation.method, target, headers, body)

    async def forward_webhook(self, request: Request, operation: Operation, target: str, address: str) -> Answer:
        """Return the service's answer to a webhook: bytes and headers as they came, but nothing of the connection."""
        headers = [
            (name, value)
            for name, value in request.headers.raw
            if name not in _NOT_ON_WEBHOOKS and not name.startswith(b"x-forwarded-")
        ]
        headers += self._told(exchange_of(request.scope), address)
        announced = request.headers.get("content-length", "")
        upstream = self._upstreams[operation.service]
        if not announced.isdigit():
            raw = await read_within(request, self._most_webhook_bytes)
            return await upstream.ask(request.method, target, headers, raw)
        if int(announced) > self._most_webhook_bytes:
            raise DomainError("payload_too_large", f"at most {self._most_webhook_bytes} bytes are taken")
        headers.append((b"content-length", announced.encode()))
        return await upstream.ask(request.method, target, headers, _stream(request))

    def _told(self, exchange: Exchange, address: str) -> RawHeaders:
        told = [(b"x-correlation-id", exchange.correlation_id.encode()), (b"x-forwarded-for", address.encode())]
        if traceparent := current_traceparent():
            told.append((b"traceparent", traceparent.encode()))
        return told


def response_of(answer: Answer, exchange: Exchange) -> Response:
    """Return the answer for the caller: as the service gave it, without what belongs to the connection.

    Where no internal token carried our request id (public routes), the service's own stands in the body of a problem,
    so it becomes the id of the whole exchange.
    """
    headers = []
    for name, value in answer.headers:
        lower = name.lower()
        if lower == b"x-request-id":
            if value.decode("latin-1") != exchange.request_id:
                exchange.request_id = value.decode("latin-1")
                exchange.bind(request_id=exchange.request_id)
        elif lower not in _NOT_BACK:
            headers.append((lower, value))
    response = Response(answer.body, answer.status)
    kept = (
        [] if answer.status in (204, 304) else [pair for pair in response.raw_headers if pair[0] == b"content-length"]
    )
    response.raw_headers = headers + kept
    return response


async def _stream(request: Request) -> AsyncIterator[bytes]:
    async for part in request.stream():
        if part:
            yield part
