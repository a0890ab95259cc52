"""The composition root: the only file that names every concrete class."""

from collections.abc import Sequence

from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.envelope import Event
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from contact.adapters.contacts_in_postgres import ContactsInPostgres
from contact.adapters.directory_in_postgres import CONTACTS, DirectoryInPostgres
from contact.application.announcements import Announcements
from contact.application.work import Work
from contact.entrypoints.events.on_channel_message_received import HEARS, on_channel_message_received
from contact.entrypoints.http.contacts import contact_routes

SERVICE = "contact"


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        contacts=ContactsInPostgres(work.connection, work.new_id),
        directory=DirectoryInPostgres(work.connection, work.new_id),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""

    async def hear_message(events: Sequence[Event[ChannelMessageReceivedV1]], work: UnitOfWork) -> None:
        await on_channel_message_received(events, work_of(work))

    return Blueprint(
        subscriptions=[parts.subscription("channel_message_received", HEARS, hear_message)],
        routes=[contact_routes(work_of, CONTACTS)],
    )
