"""message.send_requested.v1: an outbound message passed the checks and is queued."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.content import Content
from contracts.fields import ChatType, MessageSource, Moment, PersonalText, SenderRef, Wire, open_enum
from contracts.message.origin_ref import OriginRef
from contracts.message.recipient import Recipient


class MessageSendRequestedV1(Wire, kw_only=True):
    """Said by messaging alone, to channel-gateway, which sends it once."""

    TYPE: ClassVar[str] = "message.send_requested.v1"
    PUBLIC: ClassVar[str | None] = "messages"

    message_id: str
    chat_id: str
    chat_key: str
    chat_type: ChatType
    channel_id: str
    to: Recipient
    content: Content
    sender: SenderRef
    source: MessageSource
    queued_at: Moment
    priority: Annotated[str, Meta(extra_json_schema=open_enum("high", "normal", "low"))] = "normal"
    contact_id: str | None = None
    session_id: str | None = None
    reply_to_provider_id: str | None = None
    reply_to_provider_ref: PersonalText | None = None
    mentions: tuple[PersonalText, ...] = ()
    expires_at: Moment | None = None
    simulate_typing: bool | None = None
    link_preview: bool = True
    first_contact: bool = False
    origin_ref: OriginRef | None = None
