"""Where sends are kept, as the use cases see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from channel_gateway.application.senders import Senders
from channel_gateway.domain.delivery import State
from channel_gateway.domain.sending import Attempt, Change, Patience, Refusal, SendRequest, Withdrawal


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a channel may begin now: in all (`slots`), of high priority, of the others, and whether new chats."""

    tenant_id: str
    channel_id: str
    slots: int
    high: int
    automated: int
    new_chats: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """What a send has become by beginning."""

    attempts: int
    provider_id: str | None
    id_reserved: bool
    sending_at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """A send after a change; `newly`: nobody had called it unknown before."""

    attempt: Attempt
    newly: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """A look that found nothing: `before` is how many there had been, `looks` how many count now.

    The next comes after `next_s`, unless the send is repeated (`repeats`). `releases`: its chat waits no longer for it.
    """

    tenant_id: str
    message_id: str
    before: int
    looks: int
    next_s: float | None
    repeats: bool = False
    releases: bool = False


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A delivery that waits. `due`: it has waited long enough."""

    tenant_id: str
    delivery_id: str
    channel_id: str
    received_at: datetime
    raw: bytes
    chats: Sequence[str]
    due: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What has become of a delivery that was held."""

    tenant_id: str
    delivery_id: str
    state: State
    reason: str | None


class SendRequests(Protocol):
    """What messaging asks for."""

    async def store(self, requests: Sequence[SendRequest]) -> Mapping[str, str | None]:
        """Store what was not stored yet, in this order; return its message ids, each with the code of its refusal."""

    async def withdraw(self, wishes: Sequence[Withdrawal]) -> Mapping[str, int]:
        """Refuse what was not begun, or has not come yet; return its message ids, each with the number of its calls."""

    async def over(self, sends: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str, bool]]:
        """Of sends (tenant, message) return those that still wait, each with whether its time is over."""

    async def end(self, sends: Sequence[tuple[str, str, Refusal]]) -> Sequence[Attempt]:
        """Refuse sends (tenant, message) that still wait; return those that did."""


class SendQueue(Protocol):
    """What is next in the channels that a sender serves."""

    async def heads(self, budgets: Sequence[Budget]) -> Sequence[Attempt]:
        """Return what may be sent now: of each chat the first, of each channel as many as its budget allows."""

    async def begin(self, sends: Sequence[tuple[Attempt, str | None]]) -> Mapping[str, Begun]:
        """Make sends begin, each with the id reserved for it or none; return those that did, by message id."""

    async def leave(self, sends: Sequence[Attempt]) -> None:
        """Repeat these no more: they stay unknown."""

    async def postpone(self, sends: Sequence[Attempt], seconds: float) -> None:
        """Let sends that have not begun wait."""

    async def address(self, sends: Sequence[tuple[Attempt, str]]) -> None:
        """Give sends to bare phones the chats that the provider named."""


class SendOutcomes(Protocol):
    """What becomes of sends that have begun."""

    async def settle(self, changes: Sequence[Change]) -> Sequence[Settled]:
        """Store what becomes of sends; return those that it still concerned. At most one change for each."""

    async def interrupt(self, channels: Sequence[tuple[str, str]], patience: Patience) -> Sequence[Settled]:
        """Make unknown what a sender that is gone had begun in these channels (tenant, channel)."""

    async def concerned(
        self, ids: Sequence[tuple[str, str, str]], chats: Sequence[tuple[str, str, str]]
    ) -> Sequence[Attempt]:
        """Return sends by (tenant, channel, provider's id), and those without one that are under way in (…, …, chat)."""

    async def proven(self, ids: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Return which of the provider's ids (tenant, channel, id) belong to a send already."""

    async def look(self, sends: Sequence[tuple[str, str]], again_s: float) -> Sequence[Attempt]:
        """Return the unknown sends (tenant, message) to be looked for now; unless something is found out, again later."""

    async def looked(self, looked: Sequence[Looked]) -> None:
        """Note looks that found nothing."""


class HeldDeliveries(Protocol):
    """Own messages that wait for the outcome of a send."""

    async def hold(self, held: Sequence[tuple[str, str, str, Sequence[str]]]) -> None:
        """Hold deliveries (tenant, channel, delivery, addresses of the chat) back."""

    async def take(self, deliveries: Sequence[tuple[str, str]]) -> Sequence[HeldRow]:
        """Return what is held of these (tenant, delivery), which nobody else takes until the transaction ends."""

    async def let_go(self, decided: Sequence[Decided]) -> None:
        """Store what has become of these, and hold them no longer."""


@dataclass(frozen=True)
class SendTables:
    """What a transaction has for sending."""

    requests: SendRequests
    queue: SendQueue
    outcomes: SendOutcomes
    senders: Senders
    held: HeldDeliveries
    window: timedelta
    """How far the time of a message may lie from that of the call that made it."""
