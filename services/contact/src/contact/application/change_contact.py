"""Change what people know of a contact."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from contact.application.register_contact import new_among, refuse_taken
from contact.application.work import Addressed, Work
from contact.domain.contact import Details
from contact.domain.custom_field import Definition, changed_keys


async def change_contact(
    contact_id: str,
    given: Mapping[str, Any],
    identities: Sequence[Addressed],
    *,
    by: Cause,
    expect: Callable[[int], None],
    work: Work,
) -> Any:
    """Return the row after the change; what changes nothing says nothing. `expect` raises for a stale version.

    Identities that the contact has not got yet are added; none is taken away.
    """
    row = await row_to_change(contact_id, by=by, expect=expect, work=work)
    project_id = str(row["project_id"])
    defined = await work.fields.of_project(by.tenant_id, project_id) if "custom_fields" in given else {}
    before = work.directory.details_of(row)
    after = before.changed_by(given, defined)
    added = await new_among(identities, contact_id, project_id=project_id, by=by, work=work)
    await refuse_taken(after.phone, after.email, after.external_id, contact_id, project_id=project_id, by=by, work=work)
    return await keep_change(row, before, after, added, defined, by=by, work=work)


async def row_to_change(contact_id: str, *, by: Cause, expect: Callable[[int], None], work: Work) -> Any:
    """Return the row of a contact that may be changed; raise not_found, version_conflict, or conflict for a merged one."""
    row = await work.directory.get(by.tenant_id, contact_id)
    expect(row["version"])
    if row["merged_into_id"] is not None:
        raise DomainError("conflict", "the contact was merged into another", merged_into_id=str(row["merged_into_id"]))
    return row


async def keep_change(
    row: Any,
    before: Details,
    after: Details,
    added: Sequence[Addressed],
    defined: Mapping[str, Definition],
    *,
    by: Cause,
    work: Work,
) -> Any:
    """Store and announce a change; return the row after it."""
    if after == before and not changed_keys(before.custom_fields, after.custom_fields) and not added:
        return row
    contact_id, project_id = str(row["id"]), str(row["project_id"])
    await work.directory.link(by.tenant_id, project_id, contact_id, added, evidence=by.actor)
    changed = await work.directory.change(by.tenant_id, contact_id, row["version"], before, after)
    work.announcements.changed(changed, before, after, added, defined, by)
    return changed
