"""channel.message_unresolved.v1: nobody knows yet whether a message was sent."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ChannelMessageUnresolvedV1(Wire, kw_only=True):
    """Evidence is looked for; nothing is sent again blindly."""

    TYPE: ClassVar[str] = "channel.message_unresolved.v1"

    message_id: str
    channel_id: str
    chat_key: str
    detail: str
    since: Moment
    reserved_provider_id: str | None = None
