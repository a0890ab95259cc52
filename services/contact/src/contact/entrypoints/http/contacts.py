"""Contacts over HTTP: list, create, read, change, delete."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from telemetry.tracing import current_traceparent
from web.bodies import Id, PathId, Time
from web.caller import Caller, TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from contact.application.announcements import Caused
from contact.application.change_contact import change_contact as change
from contact.application.register_contact import register_contact
from contact.application.remove_contact import remove_contact
from contact.application.work import Work as ContactWork
from contact.domain.channel_identity import Identity
from contact.domain.contact import parse_phone
from contact.domain.search_text import name_pattern
from contact.entrypoints.http.schemas import KINDS, ContactAnswer, ContactChange, NewContact, contact_answer

WorkOf = Callable[[UnitOfWork], ContactWork]
Word = Annotated[str | None, Query(max_length=255)]
Words = Annotated[list[str] | None, Query(), AnyOf()]
When = Annotated[Time | None, Query()]


def caused_by(caller: Caller) -> Caused:
    """Return who asked, for the events."""
    return Caused(
        tenant_id=caller.tenant_id,
        actor=f"{caller.subject_kind}:{caller.subject}",
        correlation_id=caller.correlation_id,
        traceparent=current_traceparent(),
    )


def contact_routes(work_of: WorkOf, contacts: Listing) -> Routes:
    """Return the routes of contacts; `contacts` is the list that people may ask for."""
    routes = Routes("contacts")

    @routes.get("/crm/contacts", permission="contacts.view")
    async def list_contacts(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(contacts, sort="-created_at")],
        name: Word = None,
        phone: Word = None,
        email: Word = None,
        external_id: Word = None,
        tags: Words = None,
        tags_all: Words = None,
        source_channel: Words = None,
        channel_id: Annotated[Id | None, Query()] = None,
        opted_out: Annotated[bool | None, Query()] = None,
        created_after: When = None,
        created_before: When = None,
        updated_after: When = None,
        updated_before: When = None,
        last_interaction_after: When = None,
        last_interaction_before: When = None,
    ) -> ListAnswer[ContactAnswer]:
        """List contacts, newest first."""
        wanted = {
            "name": name and name_pattern(name),
            "phone": phone and parse_phone(phone),
            "email": email and email.lower(),
            "external_id": external_id,
            "tags": tags and [tag.lower() for tag in tags],
            "tags_all": tags_all and [tag.lower() for tag in tags_all],
            "source_channel": source_channel,
            "channel_id": channel_id,
            "opted_out": opted_out,
            "created_after": created_after,
            "created_before": created_before,
            "updated_after": updated_after,
            "updated_before": updated_before,
            "last_interaction_after": last_interaction_after,
            "last_interaction_before": last_interaction_before,
        }
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=contact_answer)

    @routes.post("/crm/contacts", permission="contacts.manage", status=201)
    async def create_contact(
        body: NewContact, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> ContactAnswer:
        """Enter a contact."""
        given = body.given()
        given.pop("identities", None)
        given.pop("project_id", None)
        identities = [(Identity(KINDS[each.kind], each.value), each.channel_id) for each in body.identities or ()]
        row = await register_contact(given, identities, project_id=project_id, by=caused_by(caller), work=work_of(work))
        response.headers["Location"] = f"/api/v1/crm/contacts/{row['id']}"
        return contact_answer(row)

    @routes.get("/crm/contacts/{contact_id}", permission="contacts.view")
    async def get_contact(contact_id: PathId, work: Work, caller: TheCaller) -> ContactAnswer:
        """Read one contact."""
        return contact_answer(await work_of(work).directory.get(caller.tenant_id, contact_id))

    @routes.patch("/crm/contacts/{contact_id}", permission="contacts.manage")
    async def change_contact(
        contact_id: PathId, body: ContactChange, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ContactAnswer:
        """Change some fields of a contact."""
        row = await change(
            contact_id, body.given(), by=caused_by(caller), expect=partial(check_version, expected), work=work_of(work)
        )
        return contact_answer(row)

    @routes.delete("/crm/contacts/{contact_id}", permission="contacts.manage", role="supervisor")
    async def delete_contact(contact_id: PathId, work: Work, caller: TheCaller, expected: IfMatch) -> None:
        """Delete a contact; it comes back when the person writes again."""
        await remove_contact(
            contact_id, by=caused_by(caller), expect=partial(check_version, expected), work=work_of(work)
        )

    return routes
