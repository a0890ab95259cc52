"""Define a custom field of a project."""

from collections.abc import Mapping
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from contact.application.work import Work
from contact.domain.custom_field import MOST_FIELDS, new_definition


async def define_field(given: Mapping[str, Any], *, project_id: str, by: Cause, work: Work) -> Any:
    """Return the new definition's row.

    A key that was deleted keeps its type: the values that contacts still have of it come back.
    """
    definition = new_definition(given)
    await work.fields.hold(by.tenant_id, project_id)
    defined = await work.fields.of_project(by.tenant_id, project_id)
    if definition.key in defined:
        row = await work.fields.get(by.tenant_id, project_id, definition.key)
        raise DomainError("already_exists", "that key is defined already", existing_id=str(row["id"]))
    if len(defined) >= MOST_FIELDS:
        raise DomainError("too_many", f"at most {MOST_FIELDS} custom fields in a project", most=MOST_FIELDS)
    previous = await work.fields.previous_type(by.tenant_id, project_id, definition.key)
    if previous not in (None, definition.type):
        detail = (
            f"contacts may have values of that key from when its type was {previous}: use that type, or another key"
        )
        raise DomainError("invalid_state", detail, current_state="deleted")
    row = await work.fields.add(by.tenant_id, project_id, definition)
    work.announcements.field_defined(row, definition, by)
    return row
