"""message.unresolved.v1: nobody knows yet whether an outbound message was sent."""

from typing import ClassVar

from contracts.fields import MessageSource, Moment, Wire


class MessageUnresolvedV1(Wire, kw_only=True):
    """The status is `unknown` until evidence comes."""

    TYPE: ClassVar[str] = "message.unresolved.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    source: MessageSource
    detail: str
    since: Moment
    contact_id: str | None = None
    session_id: str | None = None
