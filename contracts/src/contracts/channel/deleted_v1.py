"""channel.deleted.v1: a channel was removed by a person."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ChannelDeletedV1(Wire, kw_only=True):
    """The channel takes no more webhooks."""

    TYPE: ClassVar[str] = "channel.deleted.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    by: str
    at: Moment
