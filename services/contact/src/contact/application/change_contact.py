"""Change what people know of a contact."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.errors import DomainError

from contact.application.announcements import Caused
from contact.application.register_contact import refuse_taken
from contact.application.work import Work


async def change_contact(
    contact_id: str, given: Mapping[str, Any], *, by: Caused, expect: Callable[[int], None], work: Work
) -> Any:
    """Return the row after the change; what changes nothing says nothing. `expect` raises for a stale version."""
    row = await work.directory.get(by.tenant_id, contact_id)
    expect(row["version"])
    if row["merged_into_id"] is not None:
        raise DomainError("conflict", "the contact was merged into another", merged_into_id=str(row["merged_into_id"]))
    before = work.directory.details_of(row)
    after = before.changed_by(given)
    old_values = after.differences(before)
    if not old_values and after == before:
        return row
    await refuse_taken(
        after.phone, after.email, after.external_id, contact_id, project_id=str(row["project_id"]), by=by, work=work
    )
    changed = await work.directory.change(by.tenant_id, contact_id, row["version"], after)
    work.announcements.changed(changed, tuple(old_values), old_values, by)
    return changed
