"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from channel_gateway.application.announcements import Announcements, WaitingForPeople
from channel_gateway.application.checks import Checks
from channel_gateway.application.sends import SendTables
from channel_gateway.domain.delivery import Delivery, State
from channel_gateway.domain.provider_session import ProviderSession
from channel_gateway.domain.receiving_channel import ReceivingChannel

Row = Mapping[str, Any]
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Activity:
    """What one channel did within a batch of deliveries."""

    tenant_id: str
    channel_id: str
    messages_received: int
    messages_sent: int
    last_message_at: datetime | None
    last_event_at: datetime | None


class Channels(Protocol):
    """Where channels are kept."""

    async def get(self, tenant_id: str, channel_id: str, project_id: str | None) -> Row | None:
        """Return a living channel."""

    async def get_for_change(self, tenant_id: str, channel_id: str, project_id: str | None) -> Row | None:
        """Return a living channel, which nobody else changes until the transaction ends."""

    async def holding(self, tenant_id: str, base_url: str, session: str) -> str | None:
        """Return the id of the living channel at that provider session."""

    async def keep(self, channel: Mapping[str, Any]) -> Row:
        """Store a new one."""

    async def change(self, tenant_id: str, channel_id: str, changes: Mapping[str, Any]) -> Row:
        """Set fields and count the version up."""

    async def remove(self, tenant_id: str, channel_id: str) -> None:
        """Make it invisible and let go of its secrets."""

    async def receiving(self, tenant_id: str, channel_id: str) -> ReceivingChannel | None:
        """Return a living channel as the door sees it, without keys."""


class Sessions(Protocol):
    """Channels together with what their providers say of them."""

    async def for_change(self, channels: Collection[tuple[str, str]]) -> dict[tuple[str, str], ProviderSession]:
        """Return the living ones of these (tenant, channel), which nobody else changes until the transaction ends."""

    async def keep(self, sessions: Sequence[ProviderSession]) -> None:
        """Store what they have become."""

    async def status(self, tenant_id: str, channel_id: str, project_id: str | None) -> Row | None:
        """Return how a living channel is."""


class Credentials(Protocol):
    """Where secrets are kept, encrypted. They are written here and read nowhere but where they are used."""

    async def keep(self, tenant_id: str, project_id: str, kind: str, name: str, secret: str) -> str:
        """Store a secret; return its id."""

    async def replace(self, tenant_id: str, credential_id: str, secret: str) -> None:
        """Put a new secret in the place of the old one."""

    async def forget(self, tenant_id: str, credential_ids: Sequence[str]) -> None:
        """Destroy secrets."""


class Deliveries(Protocol):
    """Where deliveries and the keys that recognise their repeats are kept."""

    async def meet(self, keys: Sequence[tuple[Key, datetime]]) -> set[Key]:
        """Remember keys; return those that were new."""

    async def keep(self, deliveries: Sequence[tuple[Delivery, State, str | None]], active: Sequence[Activity]) -> None:
        """Store raw deliveries, each with its state and reason, and count for their channels."""

    async def decide(self, delivery: Delivery, state: State, reason: str | None) -> None:
        """Set the state of a delivery that was parked, if its row is still there."""

    async def count(self, active: Sequence[Activity]) -> None:
        """Count for channels."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    channels: Channels
    sessions: Sessions
    credentials: Credentials
    deliveries: Deliveries
    sending: SendTables
    checks: Checks
    announcements: Announcements
    park: Callable[[Sequence[WaitingForPeople]], Awaitable[None]]
    new_id: Callable[[], str]
    now: datetime


Begin = Callable[[Iterable[str]], AbstractAsyncContextManager[Work]]
"""Opens a transaction of these tenants, for what takes several of them with calls to the outside in between."""
