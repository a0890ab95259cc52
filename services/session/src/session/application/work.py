"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from session.application.announcements import Announcements
from session.domain.attendance import Session
from session.domain.closing import Closing

Row = Mapping[str, Any]


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


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    sessions: Sessions
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
