"""What people read: single chats and messages, and the rows of a page of messages."""

from collections.abc import Sequence
from typing import Any

from kernel.errors import DomainError
from postgres.database import Connection

from messaging.adapters import chat_rows, message_rows, sending_rows


class ReadingInPostgres:
    """Reads for people; the tenant is named in every statement, beside the wall, since the indexes need it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def chat(self, tenant_id: str, chat_id: str) -> Any:
        """Return one chat; raise not_found."""
        row = await self._connection.fetchrow(chat_rows.ONE, tenant_id, chat_id)
        if row is None:
            raise DomainError("not_found", "there is no such chat")
        return row

    async def message(self, tenant_id: str, message_id: str) -> Any:
        """Return one message with its file and what it quotes; raise not_found."""
        row = await self._connection.fetchrow(message_rows.ONE, tenant_id, message_id)
        if row is None:
            raise DomainError("not_found", "there is no such message")
        return row

    async def steps(self, tenant_id: str, message_id: str) -> list[Any]:
        """Return what a message went through after it was stored, in order."""
        rows: list[Any] = await self._connection.fetch(sending_rows.HISTORY, tenant_id, message_id)
        return rows

    async def messages(self, tenant_id: str, ids: Sequence[Any]) -> list[Any]:
        """Return messages in the order of their ids."""
        rows = await self._connection.fetch(message_rows.RESULT, tenant_id, list(ids))
        by_id = {row["id"]: row for row in rows}
        return [by_id[each] for each in ids]
