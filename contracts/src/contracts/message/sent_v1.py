"""message.sent.v1: an outbound message was accepted by the provider, or typed on the phone."""

from typing import ClassVar

from contracts.content import Content
from contracts.fields import MessageSource, Moment, Origin, SenderRef, Wire


class MessageSentV1(Wire, kw_only=True):
    """Source `phone` was counted by the session on the line already."""

    TYPE: ClassVar[str] = "message.sent.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    sender: SenderRef
    source: MessageSource
    provider_message_id: str
    content: Content
    origin: Origin
    sequence: int
    occurred_at: Moment
    sent_at: Moment
    contact_id: str | None = None
    session_id: str | None = None
