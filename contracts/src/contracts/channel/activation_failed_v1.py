"""channel.activation_failed.v1: a channel could not be made to work."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ChannelActivationFailedV1(Wire, kw_only=True):
    """`reason` is for people."""

    TYPE: ClassVar[str] = "channel.activation_failed.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    reason: str
    at: Moment
    version: int
