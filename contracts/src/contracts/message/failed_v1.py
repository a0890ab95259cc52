"""message.failed.v1: an outbound message will not arrive."""

from typing import ClassVar

from contracts.fields import MessageSource, Moment, Wire


class MessageFailedV1(Wire, kw_only=True):
    """Codes are listed in the error table of the API."""

    TYPE: ClassVar[str] = "message.failed.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    source: MessageSource
    code: str
    reason: str
    retryable: bool
    failed_at: Moment
    contact_id: str | None = None
    session_id: str | None = None
