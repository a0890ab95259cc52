"""channel.message_sent.v1: the provider accepted a message, or evidence proved that it did."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Moment, PersonalText, Wire, open_enum


class ChannelMessageSentV1(Wire, kw_only=True):
    """`evidence` tells how we know: the answer itself, our own message in a webhook, the history, a receipt, a person."""

    TYPE: ClassVar[str] = "channel.message_sent.v1"

    message_id: str
    channel_id: str
    chat_key: str
    provider_message_id: str
    sent_at: Moment
    evidence: Annotated[str, Meta(extra_json_schema=open_enum("answer", "own_message", "history", "ack", "person"))]
    attempts: int
    external_chat_id: PersonalText | None = None
    provider_message_ref: PersonalText | None = None
