"""channel.message_acked.v1: a receipt for a message, as the provider reported it."""

from typing import ClassVar

from contracts.fields import Moment, PersonalText, Wire


class ChannelMessageAckedV1(Wire, kw_only=True):
    """Said by channel-gateway. Levels: -1 error, 0 pending, 1 server, 2 device, 3 read, 4 played."""

    TYPE: ClassVar[str] = "channel.message_acked.v1"

    channel_id: str
    provider_message_id: str
    external_chat_id: PersonalText
    from_me: bool
    level: int
    level_name: str
    acked_at: Moment
    participant: PersonalText | None = None
