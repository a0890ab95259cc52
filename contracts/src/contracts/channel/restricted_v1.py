"""channel.restricted.v1: the provider limits new chats of a channel."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Moment, Wire, open_enum


class ChannelRestrictedV1(Wire, kw_only=True):
    """`until` is unknown where the provider does not say it. Answers in open chats go on."""

    TYPE: ClassVar[str] = "channel.restricted.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    kind: Annotated[str, Meta(extra_json_schema=open_enum("reach_out_timelock", "message_cap"))]
    at: Moment
    until: Moment | None = None
