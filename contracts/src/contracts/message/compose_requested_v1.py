"""message.compose_requested.v1: somebody but messaging wants to speak."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.content import Content
from contracts.fields import MessageSource, Moment, PersonalText, SenderRef, Wire, open_enum
from contracts.message.origin_ref import OriginRef
from contracts.message.recipient import Recipient


class MessageComposeRequestedV1(Wire, kw_only=True):
    """A wish to messaging, which checks it. The speaker mints `message_id`.

    The chat is named by its key, by contact and channel, or by channel and address.
    """

    TYPE: ClassVar[str] = "message.compose_requested.v1"

    message_id: str
    content: Content
    sender: SenderRef
    source: MessageSource
    purpose: Annotated[str, Meta(extra_json_schema=open_enum("marketing", "service"))] = "service"
    priority: Annotated[str, Meta(extra_json_schema=open_enum("high", "normal", "low"))] = "normal"
    chat_key: str | None = None
    contact_id: str | None = None
    channel_id: str | None = None
    to: Recipient | None = None
    reply_to_message_id: str | None = None
    mentions: tuple[PersonalText, ...] = ()
    session_id: str | None = None
    expires_at: Moment | None = None
    simulate_typing: bool | None = None
    origin_ref: OriginRef | None = None
