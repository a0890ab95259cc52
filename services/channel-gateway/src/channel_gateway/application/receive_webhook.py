"""Take in one webhook request: whose is it, is it genuine, what does it say, and is it safely stored?"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from kernel.clock import Clock
from kernel.errors import DomainError
from kernel.ids import NewId, is_id
from telemetry.metrics import counter
from telemetry.tracing import current_traceparent, span

from channel_gateway.application.door_limits import DoorLimits
from channel_gateway.application.provider import NotReadable, Provider
from channel_gateway.domain.delivery import OVERTAKEN, Delivery, State
from channel_gateway.domain.receiving_channel import ReceivingChannel

DELIVERIES = counter("deliveries_total", "what became of each delivery", ("event", "state"))
IGNORED = counter("deliveries_ignored_total", "deliveries that are noise", ("reason",))

_NOBODYS_KEY = b"0" * 64
"""What is signed for an address of nobody is checked all the same: the answer must take as long."""


class ReceivingChannels(Protocol):
    """The channels as the door finds them, from memory or from where they are kept."""

    async def of_webhook(self, webhook_id: str) -> ReceivingChannel | None:
        """Return the channel with that webhook id."""

    async def of_session(self, session: str) -> Sequence[ReceivingChannel]:
        """Return the channels of all tenants at a provider session of that name."""


class Request(NamedTuple):
    """What came in. `signatures` and `algorithms` are all values of their headers; `headers` those worth keeping.

    `peer` is who is at the other end of the connection, `forwarded` whom they say they speak for.
    """

    raw: bytes
    signatures: Sequence[str]
    algorithms: Sequence[str]
    headers: Mapping[str, str]
    peer: str
    forwarded: Sequence[str]


class Receipt(NamedTuple):
    """What the provider is told."""

    delivery: Delivery
    state: State


class ReceiveWebhook:
    """The use case of the door."""

    def __init__(
        self,
        channels: ReceivingChannels,
        provider: Provider,
        store: Callable[[Delivery], Awaitable[State]],
        limits: DoorLimits,
        *,
        address_of: Callable[[str, Sequence[str]], str],
        clock: Clock,
        new_id: NewId,
    ) -> None:
        """`store` returns once the delivery is durable; `address_of` says who a peer speaks for."""
        self._channels = channels
        self._provider = provider
        self._store = store
        self._limits = limits
        self._address_of = address_of
        self._clock = clock
        self._new_id = new_id

    async def by_webhook(self, webhook_id: str, request: Request) -> Receipt:
        """Take in what came to a channel's own address. Raises not_found, signature_invalid, malformed_json, rate_limited, …"""
        received_at = self._clock()
        if not request.signatures:
            self._limits.look_at_unsigned(self._address(request))
        channel = await self._channels.of_webhook(webhook_id) if is_id(webhook_id) else None
        keys = (_NOBODYS_KEY,) if channel is None else channel.keys
        genuine = self._provider.is_signed(request.raw, request.signatures, request.algorithms, keys)
        if channel is None:
            raise self._stranger(request, DomainError("not_found", "there is no such webhook"))
        if channel.type != self._provider.channel_type:
            raise DomainError(
                "validation_failed",
                "the channel is of another provider",
                expected=self._provider.channel_type,
                got=channel.type,
            )
        if not genuine:
            error = DomainError("signature_invalid", "sign the raw body with the channel's webhook key")
            raise self._stranger(request, error)
        return await self._take_in(channel, request, received_at)

    async def by_session(self, session: str | None, request: Request) -> Receipt:
        """Take in what came to the address that all channels share: the session's name and the key tell which it is.

        `session` None: the body names it. Nothing but one channel that fits will do.
        """
        received_at = self._clock()
        if not request.signatures:
            self._limits.look_at_unsigned(self._address(request))
        elif session is None:
            session = self._session_in(request)
        known = await self._channels.of_session(session) if session else ()
        fitting = [
            channel
            for channel in known
            if channel.type == self._provider.channel_type
            and self._provider.is_signed(request.raw, request.signatures, request.algorithms, channel.keys)
        ]
        if len(fitting) != 1:
            raise self._stranger(request, DomainError("not_found", "there is no such webhook"))
        return await self._take_in(fitting[0], request, received_at)

    def _session_in(self, request: Request) -> str | None:
        try:
            return self._provider.session_of(request.raw)
        except NotReadable:
            raise self._stranger(request, _not_json()) from None

    def _stranger(self, request: Request, error: DomainError) -> DomainError:
        """Return what somebody is told who is not genuine; raise rate_limited when they come too often."""
        self._limits.count_stranger(self._address(request))
        return error

    def _address(self, request: Request) -> str:
        return self._address_of(request.peer, request.forwarded)

    async def _take_in(self, channel: ReceivingChannel, request: Request, received_at: datetime) -> Receipt:
        self._limits.count_genuine(channel.id)
        with span("webhook", channel_id=channel.id):
            try:
                delivery = self._provider.delivery(
                    self._new_id(),
                    channel,
                    received_at=received_at,
                    raw=request.raw,
                    headers=request.headers,
                    traceparent=current_traceparent(),
                )
            except NotReadable:
                raise _not_json() from None
            state = await self._store(delivery)
        event = delivery.event if delivery.event in self._provider.event_names else None
        DELIVERIES.labels(event or "other", state).inc()
        if state == "ignored":
            IGNORED.labels(delivery.reason or OVERTAKEN).inc()
        return Receipt(delivery, state)


def _not_json() -> DomainError:
    return DomainError("malformed_json", "the body is not JSON")
