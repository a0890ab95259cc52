"""The composition root: the only file that names every concrete class."""

from collections.abc import Sequence

from contracts.envelope import AnyEvent
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from contact.adapters.contact_rows import CONTACTS, CONTACTS_WITH_TAG
from contact.adapters.contacts_in_postgres import ContactsInPostgres
from contact.adapters.directory_in_postgres import DirectoryInPostgres
from contact.adapters.fields_in_postgres import FIELDS, FieldsInPostgres
from contact.adapters.search_rows import SEARCH, parameters_of
from contact.adapters.tags_in_postgres import TAGS, TagsInPostgres
from contact.application.announcements import Announcements
from contact.application.work import Work
from contact.entrypoints.events import (
    on_channel_message_received,
    on_contact_tag_add_requested,
    on_contact_tag_remove_requested,
)
from contact.entrypoints.http.contacts import contact_routes
from contact.entrypoints.http.custom_fields import field_routes
from contact.entrypoints.http.tags import tag_routes

SERVICE = "contact"


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        contacts=ContactsInPostgres(work.connection, work.new_id),
        directory=DirectoryInPostgres(work.connection, work.new_id),
        tags=TagsInPostgres(work.connection),
        fields=FieldsInPostgres(work.connection, work.new_id),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""

    async def hear_message(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_channel_message_received.on_channel_message_received(events, work_of(work))

    async def hear_wish_to_add(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_contact_tag_add_requested.on_contact_tag_add_requested(events, work_of(work))

    async def hear_wish_to_remove(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_contact_tag_remove_requested.on_contact_tag_remove_requested(events, work_of(work))

    return Blueprint(
        subscriptions=[
            parts.subscription("channel_message_received", on_channel_message_received.HEARS, hear_message),
            parts.subscription("contact_tag_add_requested", on_contact_tag_add_requested.HEARS, hear_wish_to_add),
            parts.subscription(
                "contact_tag_remove_requested", on_contact_tag_remove_requested.HEARS, hear_wish_to_remove
            ),
        ],
        # Literal paths before parameters: "search" is no contact.
        routes=[
            contact_routes(work_of, CONTACTS, CONTACTS_WITH_TAG, SEARCH, parameters_of),
            tag_routes(work_of, TAGS),
            field_routes(work_of, FIELDS),
        ],
    )
