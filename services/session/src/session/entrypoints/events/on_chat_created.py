"""Messaging has a chat for a chat key: sessions can name it from now on."""

from collections.abc import Sequence

from contracts.chat.created_v1 import ChatCreatedV1
from contracts.envelope import Event

from session.application.keep_chats import keep_chats
from session.application.work import KnownChat, Work

HEARS = ChatCreatedV1


async def on_chat_created(events: Sequence[Event[ChatCreatedV1]], work: Work) -> None:
    """Remember a batch; groups and channels have no sessions."""
    chats = [
        KnownChat(each.tenantid, each.projectid, each.data.chat_key, each.data.chat_id, each.data.version)
        for each in events
        if each.data.chat_type == "individual" and each.projectid is not None
    ]
    if chats:
        await keep_chats(chats, work)
