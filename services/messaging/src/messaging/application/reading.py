"""What people read; there are no rules in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Row = Mapping[str, Any]


class Reading(Protocol):
    """Where chats and messages are read."""

    async def chat(self, tenant_id: str, chat_id: str) -> Row:
        """Return one chat; raise not_found."""

    async def message(self, tenant_id: str, message_id: str) -> Row:
        """Return one message with its file and what it quotes; raise not_found."""

    async def steps(self, tenant_id: str, message_id: str) -> Sequence[Row]:
        """Return what a message went through after it was stored, in order."""

    async def messages(self, tenant_id: str, ids: Sequence[Any]) -> Sequence[Row]:
        """Return messages in the order of their ids."""


ReadingOf = Callable[[Any], Reading]
"""From a unit of work to the reads of its transaction."""
