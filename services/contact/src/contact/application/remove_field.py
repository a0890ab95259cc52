"""Delete a custom field's definition. The values that contacts have of it are kept, and not shown."""

from collections.abc import Callable

from kernel.cause import Cause

from contact.application.redefine_field import field_to_change
from contact.application.work import Work


async def remove_field(key: str, *, project_id: str, by: Cause, expect: Callable[[int], None], work: Work) -> None:
    """Delete softly; a second time it is not found."""
    row = await field_to_change(key, project_id=project_id, by=by, expect=expect, work=work)
    work.announcements.field_removed(await work.fields.remove(by.tenant_id, str(row["id"]), row["version"]), by)
