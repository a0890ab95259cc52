"""Delete a contact. It keeps its id and history, and comes back when the person writes again."""

from collections.abc import Callable

from kernel.cause import Cause

from contact.application.work import Work


async def remove_contact(contact_id: str, *, by: Cause, expect: Callable[[int], None], work: Work) -> None:
    """Delete softly; a second time it is not found."""
    row = await work.directory.get(by.tenant_id, contact_id)
    expect(row["version"])
    work.announcements.deleted(await work.directory.remove(by.tenant_id, contact_id, row["version"]), by)
