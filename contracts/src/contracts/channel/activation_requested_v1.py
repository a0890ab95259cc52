"""channel.activation_requested.v1: somebody asked for a channel to work; answered later."""

from typing import ClassVar

from contracts.fields import Wire


class ChannelActivationRequestedV1(Wire, kw_only=True):
    """Heard by channel-gateway itself."""

    TYPE: ClassVar[str] = "channel.activation_requested.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    type: str
    requested_by: str
