"""contact.sender_identified.v1: a message on the line, now with the person behind it."""

from typing import ClassVar

from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.fields import PersonalText


class ContactSenderIdentifiedV1(ChannelMessageReceivedV1, kw_only=True):
    """The message as received, plus who it concerns and in which chat it lies. Own group messages name no contact."""

    TYPE: ClassVar[str] = "contact.sender_identified.v1"

    chat_key: str
    is_new_contact: bool = False
    contact_id: str | None = None
    contact_name: PersonalText | None = None
    contact_language: str | None = None
    tracking_id: str | None = None
    tracking_code: str | None = None
