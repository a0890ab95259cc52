"""Put tags on contacts and take them off, as people and programs ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.cause import Cause

from contact.application.change_contact import row_to_change
from contact.application.work import Work
from contact.domain.tags import retagged


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many of the contacts were found, changed, or as wished already; and the ids that were not found."""

    matched: int
    changed: int
    unchanged: int
    not_found: tuple[str, ...]


async def tag_contacts(
    contact_ids: Sequence[str],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    project_id: str,
    by: Cause,
    work: Work,
) -> Outcome:
    """Change the tags of contacts of a project; who has them already is left alone and nothing is said.

    Raises too_many, and changes nobody, where a contact would carry more than it can.
    """
    ids = list(dict.fromkeys(contact_ids))
    held = await work.tags.hold([(by.tenant_id, project_id, contact_id) for contact_id in ids])
    live = [contact for contact in held.values() if not contact.merged]
    changed = []
    for contact in live:
        after = retagged(contact.tags, add=add, remove=remove)
        if after.is_change:
            contact.take(after)
            changed.append(contact)
            work.announcements.retagged(contact, after, by)
    await work.tags.keep(changed)
    found = {contact.id for contact in live}
    missing = tuple(contact_id for contact_id in ids if contact_id not in found)
    return Outcome(len(live), len(changed), len(live) - len(changed), missing)


async def tag_one(
    contact_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    by: Cause,
    expect: Callable[[int], None],
    work: Work,
) -> Any:
    """Change the tags of one contact, whichever project it belongs to; return its row."""
    row = await row_to_change(contact_id, by=by, expect=expect, work=work)
    outcome = await tag_contacts(
        [contact_id], add=add, remove=remove, project_id=str(row["project_id"]), by=by, work=work
    )
    return await work.directory.get(by.tenant_id, contact_id) if outcome.changed else row
