"""message.cancel_requested.v1: a person withdraws a message that is still queued."""

from typing import ClassVar

from contracts.fields import Wire


class MessageCancelRequestedV1(Wire, kw_only=True):
    """The gateway answers by `channel.message_failed` with code `cancelled` where it had not begun."""

    TYPE: ClassVar[str] = "message.cancel_requested.v1"

    message_id: str
    channel_id: str
    chat_key: str
