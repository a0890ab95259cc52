"""Take the value of one custom field from a contact."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kernel.cause import Cause

from contact.application.change_contact import keep_change, row_to_change
from contact.application.work import Work
from contact.domain.custom_field import refuse_to_clear
from contact.domain.refusing import refused


async def clear_field_value(contact_id: str, key: str, *, by: Cause, expect: Callable[[int], None], work: Work) -> Any:
    """Return the contact's row after the change; a required field keeps its value (rule_violated)."""
    row = await row_to_change(contact_id, by=by, expect=expect, work=work)
    defined = await work.fields.of_project(by.tenant_id, str(row["project_id"]))
    if key not in defined:
        raise refused("/key", "not_found", f"there is no custom field {key[:100]}")
    before = work.directory.details_of(row)
    if key in before.custom_fields:
        refuse_to_clear(defined[key])
    values = {name: value for name, value in before.custom_fields.items() if name != key}
    return await keep_change(row, before, replace(before, custom_fields=values), (), defined, by=by, work=work)
