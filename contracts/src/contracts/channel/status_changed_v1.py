"""channel.status_changed.v1: a channel came or went."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Moment, Wire, open_enum


class ChannelStatusChangedV1(Wire, kw_only=True):
    """The states before and after, and what the provider calls its own."""

    TYPE: ClassVar[str] = "channel.status_changed.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    old: str
    new: Annotated[
        str,
        Meta(extra_json_schema=open_enum("inactive", "activating", "connecting", "active", "disconnected", "error")),
    ]
    at: Moment
    version: int
    provider_status: str | None = None
    reason: str | None = None
    qr_available: bool = False
