"""channel.message_failed.v1: a message will not be sent."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ChannelMessageFailedV1(Wire, kw_only=True):
    """`code` is one of the failure codes of the API; `permanent`: a repeat would fail likewise."""

    TYPE: ClassVar[str] = "channel.message_failed.v1"

    message_id: str
    channel_id: str
    chat_key: str
    code: str
    reason: str
    permanent: bool
    attempts: int
    failed_at: Moment
