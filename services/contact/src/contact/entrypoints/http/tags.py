"""Tags over HTTP: on one contact, on many, and all of a project."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Path, Query
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.auditing import TheTrail
from web.bodies import PathId
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from contact.application.tag_contacts import tag_contacts, tag_one
from contact.application.work import Work as ContactWork
from contact.domain.refusing import refused
from contact.domain.sought import beginning
from contact.domain.tags import read_tag, read_tags, tag_key
from contact.entrypoints.http.schemas import BulkTags, BulkTagsAnswer, ContactAnswer, TagAnswer, contact_answer

WorkOf = Callable[[UnitOfWork], ContactWork]
PathTag = Annotated[str, Path(description="1 to 64 characters; case does not matter")]


def tag_routes(work_of: WorkOf, tags: Listing) -> Routes:
    """Return the routes of tags; `tags` is the list that people may ask for."""
    routes = Routes("contacts")

    @routes.put("/crm/contacts/{contact_id}/tags/{tag}", permission="contacts.manage")
    async def add_tag(
        contact_id: PathId, tag: PathTag, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ContactAnswer:
        """Put a tag on a contact; one that is there stays as it is written."""
        expect = partial(check_version, expected)
        added = [read_tag(tag, "/tag")]
        return contact_answer(await tag_one(contact_id, add=added, by=caller.cause, expect=expect, work=work_of(work)))

    @routes.delete("/crm/contacts/{contact_id}/tags/{tag}", permission="contacts.manage", status=200)
    async def remove_tag(
        contact_id: PathId, tag: PathTag, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ContactAnswer:
        """Take a tag off a contact; one that is not there is no error."""
        expect = partial(check_version, expected)
        removed = [read_tag(tag, "/tag")]
        return contact_answer(
            await tag_one(contact_id, remove=removed, by=caller.cause, expect=expect, work=work_of(work))
        )

    @routes.post("/crm/contacts/bulk-tags", permission="contacts.manage", object_type="contact", rate="expensive")
    async def tag_many(
        body: BulkTags, work: Work, caller: TheCaller, project_id: TheProject, trail: TheTrail
    ) -> BulkTagsAnswer:
        """Put tags on many contacts and take others off, all or nobody."""
        add, remove = read_tags(body.add or (), "/add"), read_tags(body.remove or (), "/remove")
        if not add and not remove:
            raise refused("/add", "missing", "tags to add or to remove expected")
        if {tag_key(tag) for tag in add} & {tag_key(tag) for tag in remove}:
            raise refused("/remove", "not_allowed", "a tag cannot be added and removed at once")
        outcome = await tag_contacts(
            body.contact_ids, add=add, remove=remove, project_id=project_id, by=caller.cause, work=work_of(work)
        )
        missing = set(outcome.not_found)
        trail.changed("contact_ids", None, [each for each in body.contact_ids if each not in missing])
        trail.changed("tags", remove, add)
        return BulkTagsAnswer(
            matched=outcome.matched,
            changed=outcome.changed,
            unchanged=outcome.unchanged,
            not_found=list(outcome.not_found),
        )

    @routes.get("/crm/tags", permission="contacts.view")
    async def list_tags(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(tags, sort="name")],
        prefix: Annotated[str, Query(max_length=64)] = "",
    ) -> ListAnswer[TagAnswer]:
        """List the tags of the project, each with how many contacts carry it."""
        within = beginning(tag_key(prefix))
        return await page.answer(work.connection, caller.tenant_id, project_id, *within, item=TagAnswer.of)

    return routes
