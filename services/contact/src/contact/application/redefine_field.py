"""Change a custom field's definition; its key and type stay."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from contact.application.work import Work


async def redefine_field(
    key: str, given: Mapping[str, Any], *, project_id: str, by: Cause, expect: Callable[[int], None], work: Work
) -> Any:
    """Return the row after the change; values that contacts have stay as they are. What changes nothing says nothing."""
    row = await field_to_change(key, project_id=project_id, by=by, expect=expect, work=work)
    before = work.fields.definition_of(row)
    after = before.changed_by(given)
    if after == before:
        return row
    changed = await work.fields.redefine(by.tenant_id, str(row["id"]), row["version"], after)
    work.announcements.field_redefined(changed, before, after, by)
    return changed


async def field_to_change(key: str, *, project_id: str, by: Cause, expect: Callable[[int], None], work: Work) -> Any:
    """Return the row of a definition that people may change; raise not_found, version_conflict or rule_violated."""
    row = await work.fields.get(by.tenant_id, project_id, key)
    expect(row["version"])
    if row["system"]:
        raise DomainError("rule_violated", "the product keeps that field itself", rule="system_field")
    return row
