"""Give one custom field of a contact a value."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kernel.cause import Cause

from contact.application.change_contact import keep_change, row_to_change
from contact.application.work import Work
from contact.domain.refusing import refused


async def set_field_value(
    contact_id: str, key: str, value: Any, *, by: Cause, expect: Callable[[int], None], work: Work
) -> Any:
    """Return the contact's row after the change; a key that is not defined and a wrong value are refused, naming them."""
    row = await row_to_change(contact_id, by=by, expect=expect, work=work)
    defined = await work.fields.of_project(by.tenant_id, str(row["project_id"]))
    if key not in defined:
        raise refused("/key", "not_found", f"there is no custom field {key[:100]}")
    before = work.directory.details_of(row)
    values = {**before.custom_fields, key: defined[key].value_of(value, "/value")}
    return await keep_change(row, before, replace(before, custom_fields=values), (), defined, by=by, work=work)
