"""The composition root: the only file that names every concrete class."""

from collections.abc import Sequence

from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1
from contracts.envelope import Event
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from session.adapters.session_rows import SESSIONS
from session.adapters.sessions_in_postgres import SessionsInPostgres
from session.application.announcements import Announcements
from session.application.work import Work
from session.entrypoints.events.on_contact_sender_identified import HEARS, on_contact_sender_identified
from session.entrypoints.http.sessions import session_routes

SERVICE = "session"


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        sessions=SessionsInPostgres(work.connection),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""

    async def hear_sender(events: Sequence[Event[ContactSenderIdentifiedV1]], work: UnitOfWork) -> None:
        await on_contact_sender_identified(events, work_of(work))

    return Blueprint(
        subscriptions=[parts.subscription("contact_sender_identified", HEARS, hear_sender)],
        routes=[session_routes(work_of, SESSIONS)],
    )
