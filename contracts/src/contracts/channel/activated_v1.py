"""channel.activated.v1: the provider works for this channel."""

from typing import ClassVar

from contracts.fields import Moment, PersonalText, Wire


class ChannelActivatedV1(Wire, kw_only=True):
    """`external_id` is the own number, where the provider tells it."""

    TYPE: ClassVar[str] = "channel.activated.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    at: Moment
    version: int
    external_id: PersonalText | None = None
