"""Somebody wants to say something: a person or program over HTTP, or another service."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.domain.arrival import Content

SERVICE, MARKETING = "service", "marketing"
PRIORITIES = frozenset(("low", "normal", "high"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The chat is named by its id or key, by contact and channel, or by channel and address.

    `cause` is what was heard, or who asked. `metadata` is JSON, `origin_ref` is handed on untouched. `channels_in_question`: out
    of how many its channel was chosen, where it named none.
    """

    tenant_id: str
    project_id: str
    message_id: str
    content: Content
    sender_kind: str
    sender_id: str | None
    source: str
    cause: Any
    purpose: str = SERVICE
    priority: str = "normal"
    chat_id: str | None = None
    chat_key: str | None = None
    contact_id: str | None = None
    channel_id: str | None = None
    external_chat_id: str | None = None
    phone: str | None = None
    reply_to_message_id: str | None = None
    session_id: str | None = None
    expires_at: datetime | None = None
    mentions: tuple[str, ...] = ()
    simulate_typing: bool | None = None
    link_preview: bool = True
    metadata: str = "{}"
    retry_of_id: str | None = None
    channels_in_question: int = 1
    origin_ref: Any = None

    @property
    def key(self) -> tuple[str, str]:
        """Return which message it will be."""
        return (self.tenant_id, self.message_id)

    @property
    def wanted_chat_key(self) -> str | None:
        """Return the key of its chat, where that can be told: direct chats are named by channel and contact."""
        if self.chat_key is not None:
            return self.chat_key
        if self.channel_id is None:
            return None
        who = self.contact_id or self.external_chat_id or self.phone
        return None if who is None else f"{self.channel_id}:{who}"
