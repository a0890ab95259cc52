"""channel.message_received.v1: a new inbound or phone-typed message, translated from the provider."""

from typing import ClassVar

from contracts.attribution import Attribution
from contracts.content import Content
from contracts.fields import (
    ChannelSettings,
    ChatType,
    ContactIdentity,
    Direction,
    MessageSource,
    Moment,
    Origin,
    PersonalText,
    SpokenText,
    Wire,
)


class ChannelMessageReceivedV1(Wire, kw_only=True):
    """Said by channel-gateway once for every message it had not seen; not for echoes of our own sends."""

    TYPE: ClassVar[str] = "channel.message_received.v1"

    channel_id: str
    channel_type: str
    provider: str
    delivery_id: str
    provider_message_id: str
    provider_message_ref: PersonalText
    external_chat_id: PersonalText
    chat_type: ChatType
    from_me: bool
    direction: Direction
    origin: Origin
    late: bool
    contact_identities: tuple[ContactIdentity, ...]
    content: Content
    channel_settings: ChannelSettings
    occurred_at: Moment
    received_at: Moment
    provider_session: str | None = None
    engine: str | None = None
    provider_event_id: str | None = None
    chat_subject: SpokenText | None = None
    source: MessageSource | None = None
    import_id: str | None = None
    push_name: PersonalText | None = None
    is_business: bool = False
    reply_to_provider_id: str | None = None
    mentions: tuple[PersonalText, ...] = ()
    forwarded: bool = False
    attribution: Attribution | None = None
