"""The composition root: the only file that names every concrete class."""

from collections.abc import Sequence

from contracts.channel.message_acked_v1 import ChannelMessageAckedV1
from contracts.envelope import Event
from contracts.session.message_recorded_v1 import SessionMessageRecordedV1
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from messaging.adapters.chat_rows import CHATS
from messaging.adapters.chats_in_postgres import ChatsInPostgres
from messaging.adapters.message_rows import MESSAGES
from messaging.adapters.messages_in_postgres import MessagesInPostgres
from messaging.adapters.reading_in_postgres import ReadingInPostgres
from messaging.application.announcements import Announcements
from messaging.application.work import Work
from messaging.entrypoints.events import on_channel_message_acked, on_session_message_recorded
from messaging.entrypoints.http.chats import chat_routes
from messaging.entrypoints.http.messages import message_routes

SERVICE = "messaging"


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        chats=ChatsInPostgres(work.connection),
        messages=MessagesInPostgres(work.connection),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


def reading_of(work: UnitOfWork) -> ReadingInPostgres:
    """Return what people read by, inside this transaction."""
    return ReadingInPostgres(work.connection)


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""

    async def hear_message(events: Sequence[Event[SessionMessageRecordedV1]], work: UnitOfWork) -> None:
        await on_session_message_recorded.on_session_message_recorded(events, work_of(work))

    async def hear_ack(events: Sequence[Event[ChannelMessageAckedV1]], work: UnitOfWork) -> None:
        await on_channel_message_acked.on_channel_message_acked(events, work_of(work))

    return Blueprint(
        subscriptions=[
            parts.subscription("session_message_recorded", on_session_message_recorded.HEARS, hear_message),
            parts.subscription("channel_message_acked", on_channel_message_acked.HEARS, hear_ack),
        ],
        routes=[chat_routes(reading_of, CHATS), message_routes(reading_of, MESSAGES)],
    )
