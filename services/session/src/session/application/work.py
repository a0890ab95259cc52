"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from session.application.announcements import Announcements
from session.domain.attendance import Message, Session
from session.domain.closing import Closing
from session.domain.timeouts import Allowance, Resting, Timeouts
from session.domain.turns import Shard

Row = Mapping[str, Any]
Due = Sequence[tuple[str, str]]
"""Tenant and id of sessions that must be looked at."""


@dataclass(frozen=True, slots=True)
class KnownChat:
    """Which chat a chat key names."""

    tenant_id: str
    project_id: str
    chat_key: str
    chat_id: str
    version: int


class Sessions(Protocol):
    """Where sessions are kept."""

    async def open_in(self, chats: Sequence[tuple[str, str]]) -> list[Session]:
        """Return the open sessions of chats (tenant, chat key), locked until the transaction ends."""

    async def keep(self, sessions: Collection[Session]) -> None:
        """Store sessions that are new, and what changed in the others."""

    async def get(self, tenant_id: str, session_id: str) -> Row:
        """Return one session as people read it; raise not_found."""

    async def close(self, tenant_id: str, session_id: str, closing: Closing) -> Row:
        """End an open session; raise not_found, or invalid_state when it has ended already."""


class Chats(Protocol):
    """Where it is known which chat a chat key names."""

    async def keep(self, chats: Sequence[KnownChat]) -> None:
        """Keep the newest version of each."""

    async def name(self, sessions: Iterable[Session]) -> None:
        """Write into sessions which chat they are of, where that is known."""


class KnownTimeouts(Protocol):
    """Where it is known how long pipelines and projects allow."""

    async def keep(self, allowances: Sequence[Allowance]) -> None:
        """Keep the newest version of each."""

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Keep the newest version of each."""

    async def of(self, messages: Sequence[Message]) -> Timeouts:
        """Return what the pipelines and projects of these messages allow."""


class Deadlines(Protocol):
    """What is due, across tenants, and what becomes of it."""

    async def held_back(self, max_lag: timedelta) -> bool:
        """Tell whether a consumer of ours lags by more than `max_lag`, or has not told lately."""

    async def due(self, shard: Shard, now: datetime, most: int) -> Due:
        """Return what must be looked at now, the longest due first."""

    async def end(self, due: Due, now: datetime) -> list[Session]:
        """End those that are open and past their own deadline, at it; what others hold locked is left alone."""

    async def look_later(self, due: Due, now: datetime) -> int:
        """Have those that are not over yet looked at again at their deadline; return how many."""

    async def next_check(self, shard: Shard) -> datetime | None:
        """Return when the next session must be looked at."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    sessions: Sessions
    chats: Chats
    timeouts: KnownTimeouts
    deadlines: Deadlines
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
