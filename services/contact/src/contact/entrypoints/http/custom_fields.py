"""Custom fields over HTTP: their definitions, and their values on a contact."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import PathId
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from contact.application.clear_field_value import clear_field_value
from contact.application.define_field import define_field
from contact.application.redefine_field import redefine_field
from contact.application.remove_field import remove_field
from contact.application.set_field_value import set_field_value
from contact.application.work import Work as ContactWork
from contact.domain.field_values import TYPES
from contact.entrypoints.http.field_schemas import FieldAnswer, FieldChange, FieldValue, NewField, field_answer
from contact.entrypoints.http.schemas import ContactAnswer, contact_answer

WorkOf = Callable[[UnitOfWork], ContactWork]
Key = Annotated[str, Path(max_length=100)]


def field_routes(work_of: WorkOf, fields: Listing) -> Routes:
    """Return the routes of custom fields; `fields` is the list that people may ask for."""
    routes = Routes("custom fields")

    @routes.get("/crm/custom-fields", permission="contacts.view")
    async def list_custom_fields(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(fields, sort="key")],
        type: Annotated[list[str] | None, Query(), AnyOf(*TYPES)] = None,
        system: Annotated[bool | None, Query()] = None,
    ) -> ListAnswer[FieldAnswer]:
        """List the custom fields of the project."""
        wanted = {"type": type, "system": system}
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=field_answer)

    async def read_custom_field(key: str, work: Work, caller: TheCaller, project_id: TheProject) -> FieldAnswer:
        return field_answer(await work_of(work).fields.get(caller.tenant_id, project_id, key))

    shown: dict[str, Any] = {"object_type": "custom_field", "shown_by": read_custom_field}

    @routes.post("/crm/custom-fields", permission="pipelines.manage", status=201, **shown)
    async def create_custom_field(
        body: NewField, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> FieldAnswer:
        """Define a custom field."""
        row = await define_field(body.given(), project_id=project_id, by=caller.cause, work=work_of(work))
        response.headers["Location"] = f"/api/v1/crm/custom-fields/{row['key']}"
        return field_answer(row)

    @routes.patch("/crm/custom-fields/{key}", permission="pipelines.manage", **shown)
    async def change_custom_field(
        key: Key, body: FieldChange, work: Work, caller: TheCaller, project_id: TheProject, expected: IfMatch
    ) -> FieldAnswer:
        """Change a custom field; its key and type stay."""
        expect = partial(check_version, expected)
        return field_answer(
            await redefine_field(
                key, body.given(), project_id=project_id, by=caller.cause, expect=expect, work=work_of(work)
            )
        )

    @routes.delete("/crm/custom-fields/{key}", permission="pipelines.manage", role="admin", **shown)
    async def delete_custom_field(
        key: Key, work: Work, caller: TheCaller, project_id: TheProject, expected: IfMatch
    ) -> None:
        """Delete a custom field. Values are kept for a while and not shown: defined again, they are there again."""
        expect = partial(check_version, expected)
        await remove_field(key, project_id=project_id, by=caller.cause, expect=expect, work=work_of(work))

    @routes.put("/crm/contacts/{contact_id}/custom-fields/{key}", permission="contacts.manage")
    async def set_custom_field(
        contact_id: PathId, key: Key, body: FieldValue, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ContactAnswer:
        """Give a custom field of a contact a value; null clears it."""
        expect, by = partial(check_version, expected), caller.cause
        if body.value is None:
            row = await clear_field_value(contact_id, key, by=by, expect=expect, work=work_of(work))
        else:
            row = await set_field_value(contact_id, key, body.value, by=by, expect=expect, work=work_of(work))
        return contact_answer(row)

    @routes.delete("/crm/contacts/{contact_id}/custom-fields/{key}", permission="contacts.manage", status=200)
    async def clear_custom_field(
        contact_id: PathId, key: Key, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ContactAnswer:
        """Take the value of a custom field from a contact."""
        expect = partial(check_version, expected)
        return contact_answer(
            await clear_field_value(contact_id, key, by=caller.cause, expect=expect, work=work_of(work))
        )

    return routes
