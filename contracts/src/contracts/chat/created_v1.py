"""chat.created.v1: a conversation was seen for the first time."""

from typing import ClassVar

from contracts.fields import ChatType, PersonalText, SpokenText, Wire


class ChatCreatedV1(Wire, kw_only=True):
    """Individual chats belong to one contact; groups have a subject."""

    TYPE: ClassVar[str] = "chat.created.v1"
    PUBLIC: ClassVar[str | None] = "chats"

    chat_id: str
    chat_key: str
    chat_type: ChatType
    channel_id: str
    version: int
    contact_id: str | None = None
    external_chat_id: PersonalText | None = None
    subject: SpokenText | None = None
    participants: tuple[str, ...] = ()
