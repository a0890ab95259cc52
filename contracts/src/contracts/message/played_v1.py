"""message.played.v1: the status of an outbound message rose to played."""

from typing import ClassVar

from contracts.fields import MessageSource, Moment, Wire


class MessagePlayedV1(Wire, kw_only=True):
    """Statuses only rise; levels may be skipped."""

    TYPE: ClassVar[str] = "message.played.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    source: MessageSource
    previous_status: str
    played_at: Moment
    contact_id: str | None = None
    session_id: str | None = None
