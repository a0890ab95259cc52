"""message.read.v1: the status of an outbound message rose to read."""

from typing import ClassVar

from contracts.fields import MessageSource, Moment, Wire


class MessageReadV1(Wire, kw_only=True):
    """Statuses only rise; levels may be skipped."""

    TYPE: ClassVar[str] = "message.read.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    source: MessageSource
    previous_status: str
    read_at: Moment
    contact_id: str | None = None
    session_id: str | None = None
