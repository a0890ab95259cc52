"""message.cancelled.v1: an outbound message was withdrawn before it left."""

from typing import ClassVar

from contracts.fields import MessageSource, Moment, Wire


class MessageCancelledV1(Wire, kw_only=True):
    """Final."""

    TYPE: ClassVar[str] = "message.cancelled.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    source: MessageSource
    cancelled_at: Moment
    contact_id: str | None = None
    session_id: str | None = None
