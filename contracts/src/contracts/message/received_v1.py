"""message.received.v1: an inbound message is stored in its chat."""

from typing import ClassVar

from contracts.content import Content
from contracts.fields import ChatType, Moment, Origin, PersonalText, Wire


class MessageReceivedV1(Wire, kw_only=True):
    """What automation, meters, sockets and webhooks hear. `sequence` counts within the chat."""

    TYPE: ClassVar[str] = "message.received.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    chat_type: ChatType
    channel_id: str
    channel_type: str
    provider_message_id: str
    content: Content
    origin: Origin
    late: bool
    sequence: int
    occurred_at: Moment
    received_at: Moment
    is_new_contact: bool = False
    session_started: bool = False
    contact_id: str | None = None
    contact_name: PersonalText | None = None
    session_id: str | None = None
    session_message_number: int | None = None
    assigned_agent_id: str | None = None
    pipeline_id: str | None = None
    reply_to_message_id: str | None = None
    mentions: tuple[PersonalText, ...] = ()
    tracking_id: str | None = None
    survey_id: str | None = None
