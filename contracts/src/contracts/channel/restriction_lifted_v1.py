"""channel.restriction_lifted.v1: the provider allows new chats of a channel again."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Moment, Wire, open_enum


class ChannelRestrictionLiftedV1(Wire, kw_only=True):
    """What `channel.restricted` said is over."""

    TYPE: ClassVar[str] = "channel.restriction_lifted.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    kind: Annotated[str, Meta(extra_json_schema=open_enum("reach_out_timelock", "message_cap"))]
    at: Moment
