"""The composition root: the only file that names every concrete class."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from bus.subscription import Subscription
from contracts.envelope import AnyEvent
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from messaging.adapters.channels_in_postgres import ChannelsInPostgres
from messaging.adapters.chat_rows import CHATS
from messaging.adapters.chats_in_postgres import ChatsInPostgres
from messaging.adapters.message_rows import MESSAGES
from messaging.adapters.messages_in_postgres import MessagesInPostgres
from messaging.adapters.open_sessions_in_postgres import OpenSessionsInPostgres
from messaging.adapters.people_in_postgres import PeopleInPostgres
from messaging.adapters.reading_in_postgres import ReadingInPostgres
from messaging.adapters.sendings_in_postgres import SendingsInPostgres
from messaging.application.announcements import Announcements
from messaging.application.work import Work
from messaging.entrypoints.events import (
    on_channel_activated,
    on_channel_created,
    on_channel_deleted,
    on_channel_message_acked,
    on_channel_message_failed,
    on_channel_message_sent,
    on_channel_message_unresolved,
    on_channel_status_changed,
    on_channel_updated,
    on_contact_created,
    on_contact_deleted,
    on_contact_identity_linked,
    on_contact_restored,
    on_contact_updated,
    on_identity_project_activated,
    on_identity_project_deactivated,
    on_identity_project_deleted,
    on_message_compose_requested,
    on_session_ended,
    on_session_message_recorded,
    on_session_started,
)
from messaging.entrypoints.http.chats import chat_routes
from messaging.entrypoints.http.messages import message_routes
from messaging.entrypoints.http.sending import sending_routes

SERVICE = "messaging"

HEARD = (
    on_session_message_recorded,
    on_channel_message_acked,
    on_message_compose_requested,
    on_channel_message_sent,
    on_channel_message_failed,
    on_channel_message_unresolved,
    on_channel_created,
    on_channel_updated,
    on_channel_deleted,
    on_channel_activated,
    on_channel_status_changed,
    on_contact_created,
    on_contact_updated,
    on_contact_deleted,
    on_contact_restored,
    on_contact_identity_linked,
    on_session_started,
    on_session_ended,
    on_identity_project_deactivated,
    on_identity_project_activated,
    on_identity_project_deleted,
)
"""The modules of all subscriptions. Each has a handler of its own name, and says what it HEARS."""


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        chats=ChatsInPostgres(work.connection),
        messages=MessagesInPostgres(work.connection),
        sendings=SendingsInPostgres(work.connection),
        channels=ChannelsInPostgres(work.connection),
        people=PeopleInPostgres(work.connection),
        open_sessions=OpenSessionsInPostgres(work.connection),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


def reading_of(work: UnitOfWork) -> ReadingInPostgres:
    """Return what people read by, inside this transaction."""
    return ReadingInPostgres(work.connection)


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""
    return Blueprint(
        subscriptions=[_subscription(parts, module) for module in HEARD],
        routes=[
            chat_routes(reading_of, CHATS),
            message_routes(reading_of, MESSAGES),
            sending_routes(work_of, reading_of),
        ],
    )


def _subscription(parts: Parts, module: ModuleType) -> Subscription:
    name = module.__name__.rpartition(".")[2]
    handler: Any = getattr(module, name)

    async def hear(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await handler(events, work_of(work))

    return parts.subscription(name.removeprefix("on_"), module.HEARS, hear)
