"""Who serves which channel's sends, as the sender sees it; and what it must know of a channel to do so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from channel_gateway.application.messenger import Engine, Server

ChannelKey = tuple[str, str]
"""Tenant and channel."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A channel that is served, at the moment `now` of the database. `works`: it is active, its project does not rest, and nothing
    holds it back.
    """

    key: ChannelKey
    version: int
    works: bool
    new_chats: bool
    high_at: datetime | None
    automated_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Resting:
    """Whether a project rests: nothing is sent there, what is queued waits. `version` is the project's."""

    tenant_id: str
    project_id: str
    rests: bool
    version: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What changes rarely: where the provider is, the channel's pace, and what the engine can (None: not asked lately)."""

    key: ChannelKey
    version: int
    server: Server
    pace: Mapping[str, Any]
    reserves_ids: bool | None


class Senders(Protocol):
    """The leases."""

    async def take(self, channels: Sequence[ChannelKey], holder: str, lease_s: float) -> Sequence[ChannelKey]:
        """Take the lease of channels that nobody holds; return those that were had."""

    async def renew(self, channels: Sequence[ChannelKey], holder: str, lease_s: float) -> Sequence[ChannelKey]:
        """Hold leases for longer; return those that are still held."""

    async def release(self, channels: Sequence[ChannelKey], holder: str) -> None:
        """Give leases back."""

    async def stand(self, channels: Sequence[ChannelKey], holder: str) -> Sequence[Standing]:
        """Return the channels whose lease is held, which nobody else touches until the transaction ends."""

    async def profiles(self, channels: Sequence[ChannelKey], asked_after: datetime) -> Sequence[Profile]:
        """Return profiles; what the engine can counts only if it was asked after that time."""

    async def spend(self, spent: Sequence[tuple[ChannelKey, datetime | None, datetime | None]]) -> None:
        """Store the buckets (high, automated) of channels."""

    async def remember_engine(self, channel: ChannelKey, engine: Engine) -> None:
        """Store what the provider said of itself."""

    async def pause(self, channel: ChannelKey, seconds: float) -> None:
        """Hold a channel's sends back, at least for so long."""

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Remember which projects rest; older news change nothing."""

    async def refuse_earlier(self, channel: ChannelKey) -> None:
        """Whatever waits in a channel by now will not be sent."""
