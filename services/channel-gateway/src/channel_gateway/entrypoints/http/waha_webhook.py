"""The webhook door: raw bytes in, one answer once they are durable. Outside of the framework, for speed (web.http_protocol).

`POST /api/v1/webhooks/{webhook_id}`, and the addresses that all channels share: `…/webhooks/waha/{session}` and
`…/webhooks/waha`.
"""

import time

import msgspec
from kernel.errors import DomainError
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from kernel.ids import new_id
from telemetry.logs import get_logger
from telemetry.metrics import counter, histogram
from web.exchange import Exchange
from web.frame import SECURITY_HEADERS
from web.posting import Posting, Reply
from web.problems import problem_of

from channel_gateway.application.receive_webhook import Receipt, ReceiveWebhook, Request

log = get_logger(__name__)

PREFIX = "/api/v1/webhooks/"
SHARED = "waha"
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
_SECURITY = b"".join(b"%b: %b\r\n" % header for header in SECURITY_HEADERS)
_ANSWER_HEADERS = (
    b"content-type: application/json; charset=utf-8\r\n%bx-request-id: %%b\r\nx-correlation-id: %%b\r\n" % _SECURITY
)

_encode = msgspec.json.Encoder().encode


class WahaWebhookDoor:
    """Answers what providers post."""

    prefix = PREFIX

    def __init__(self, receive: ReceiveWebhook, *, max_bytes: int, failpoints: Failpoints = NO_FAILPOINTS) -> None:
        self.max_bytes = max_bytes
        self._receive = receive
        self._failpoints = failpoints

    async def answer(self, posting: Posting) -> Reply:
        """Return what the provider is told: a receipt once the delivery is durable, or a problem."""
        started = time.monotonic()
        try:
            receipt = await self._take_in(posting)
        except Exception as error:
            result, reply = self._refusal(error, posting.path)
        else:
            result, reply = "duplicate" if receipt.state == "duplicate" else "accepted", _reply(receipt)
            self._failpoints.reach("ingress.before_answer")
        INBOUND.labels("waha", result).inc()
        DURATION.labels("waha").observe(time.monotonic() - started)
        return reply

    def refuse(self, error: DomainError, path: str) -> Reply:
        """Return what is told of a request that was not read to its end."""
        result, reply = self._refusal(error, path)
        INBOUND.labels("waha", result).inc()
        return reply

    async def _take_in(self, posting: Posting) -> Receipt:
        place, request = posting.path[len(PREFIX) :], _request(posting)
        if place == SHARED:
            return await self._receive.by_session(None, request)
        if place.startswith(f"{SHARED}/"):
            return await self._receive.by_session(place[len(SHARED) + 1 :], request)
        return await self._receive.by_webhook(place, request)

    def _refusal(self, error: Exception, path: str) -> tuple[str, Reply]:
        problem = problem_of(error)
        exchange = Exchange(new_id(), new_id())
        if problem.code == "internal_error":
            log.error("a webhook failed", exc_info=error, request_id=exchange.request_id)
        response = problem.response(exchange, path)
        own = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers if header[0] != b"content-length")
        identifiers = f"x-request-id: {exchange.request_id}\r\nx-correlation-id: {exchange.correlation_id}\r\n"
        reply = Reply(response.status_code, own + _SECURITY + identifiers.encode(), bytes(response.body))
        return _RESULTS.get(problem.code, "failed"), reply


def _request(posting: Posting) -> Request:
    signatures: list[str] = []
    algorithms: list[str] = []
    forwarded: list[str] = []
    kept: dict[str, str] = {}
    for name, value in posting.headers:
        if name == b"x-webhook-hmac":
            signatures.append(value.decode("latin-1"))
        elif name in _KEPT_HEADERS:
            text = value[:LONGEST_KEPT_HEADER].decode("latin-1").replace("\x00", "")
            kept[_KEPT_HEADERS[name]] = text
            if name == b"x-webhook-hmac-algorithm":
                algorithms.append(text)
        elif name == b"x-forwarded-for":
            forwarded.append(value.decode("latin-1"))
    return Request(posting.body, signatures, algorithms, kept, posting.peer, forwarded)


def _reply(receipt: Receipt) -> Reply:
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
    return Reply(200, _ANSWER_HEADERS % (identifier, identifier), body)
