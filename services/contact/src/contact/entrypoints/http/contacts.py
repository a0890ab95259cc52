"""Contacts over HTTP: list, search, create, read, change, delete."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import Id, PathId, Time
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from contact.application.change_contact import change_contact as change
from contact.application.register_contact import register_contact
from contact.application.remove_contact import remove_contact
from contact.application.work import Work as ContactWork
from contact.domain.addresses import parse_phone
from contact.domain.phone_number import phone_key
from contact.domain.search_text import folded
from contact.domain.sought import Sought
from contact.domain.tags import tag_key
from contact.entrypoints.http.schemas import (
    ContactAnswer,
    ContactChange,
    FoundContact,
    NewContact,
    contact_answer,
    identities_of,
)

WorkOf = Callable[[UnitOfWork], ContactWork]
Word = Annotated[str | None, Query(max_length=255)]
Words = Annotated[list[str] | None, Query(), AnyOf()]
When = Annotated[Time | None, Query()]


def contact_routes(
    work_of: WorkOf,
    contacts: Listing,
    with_tag: Listing,
    search: Listing,
    parameters_of: Callable[[Sought], Sequence[Any]],
) -> Routes:
    """Return the routes of contacts; `contacts` and `search` are what people may ask for, the latter with its parameters.

    `with_tag` lists the contacts of a tag, given after the project, in the order in which they were made.
    """
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
        use = work_of(work)
        await use.directory.plan_for_values()
        keys, all_keys = ([*{tag_key(tag) for tag in given or ()}] for given in (tags, tags_all))
        indexed = not page.deleted
        tag = await use.tags.rarest(caller.tenant_id, project_id, all_keys) if all_keys and indexed else None
        wanted = {
            "name": name and folded(name),
            "phone": phone and phone_key(parse_phone(phone, "?phone")),
            "email": email and email.strip().lower(),
            "external_id": external_id,
            "tags" if indexed else "tags_unindexed": keys or None,
            "tags_all": all_keys or None,
            "rarest_tag": tag,
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
        fixed: tuple[str, ...] = (caller.tenant_id, project_id)
        if indexed and (tag or len(keys) == 1) and page.sort.removeprefix("-") in with_tag.sorts:
            fixed = (*fixed, tag or keys[0])
            page = page.of(with_tag)
            wanted["rarest_tag" if tag else "tags"] = None
        return await page.answer(work.connection, *fixed, wanted=wanted, item=contact_answer)

    @routes.get("/crm/contacts/search", permission="contacts.view")
    async def search_contacts(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(search, sort="-relevance")],
        q: Annotated[str, Query(min_length=2, max_length=200)],
    ) -> ListAnswer[FoundContact]:
        """Find contacts by the beginning of words of the name, digits of the phone, e-mail, external id or tag; best first."""
        await work_of(work).directory.plan_for_values()
        sought = parameters_of(Sought.of(q))
        return await page.answer(work.connection, caller.tenant_id, project_id, *sought, item=FoundContact.of)

    @routes.post("/crm/contacts", permission="contacts.manage", status=201)
    async def create_contact(
        body: NewContact, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> ContactAnswer:
        """Enter a contact."""
        given = body.given()
        given.pop("project_id", None)
        given.pop("identities", None)
        identities = identities_of(body.identities)
        row = await register_contact(given, identities, project_id=project_id, by=caller.cause, work=work_of(work))
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
        given = body.given()
        given.pop("identities", None)
        row = await change(
            contact_id,
            given,
            identities_of(body.identities),
            by=caller.cause,
            expect=partial(check_version, expected),
            work=work_of(work),
        )
        return contact_answer(row)

    @routes.delete("/crm/contacts/{contact_id}", permission="contacts.manage", role="supervisor")
    async def delete_contact(contact_id: PathId, work: Work, caller: TheCaller, expected: IfMatch) -> None:
        """Delete a contact; it comes back when the person writes again."""
        await remove_contact(contact_id, by=caller.cause, expect=partial(check_version, expected), work=work_of(work))

    return routes
