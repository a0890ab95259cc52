"""Take contacts out of a pipeline."""

from collections.abc import Sequence

from kernel.cause import Cause
from kernel.errors import DomainError

from pipeline_automation.application.work import Work
from pipeline_automation.domain.placement import Placement


async def take_out_contact(contact_id: str, pipeline_id: str, reason: str | None, by: Cause, work: Work) -> None:
    """Take one contact out; raise not_found where it does not stand in that pipeline."""
    if await work.contacts.project_of(by.tenant_id, contact_id) is None:
        raise DomainError("not_found", "there is no such contact")
    placements = await work.placements.in_pipeline(by.tenant_id, pipeline_id, None, contact_id)
    if not placements:
        raise DomainError("not_found", "the contact does not stand in that pipeline")
    await take_out(placements, reason, by, work)


async def take_out(placements: Sequence[Placement], reason: str | None, by: Cause, work: Work) -> None:
    """End placements and tell of each."""
    for placement in placements:
        placement.end(work.now)
    await work.placements.take_out(placements, by.actor, reason)
    for placement in placements:
        work.announcements.left(placement, by.actor, reason, by)
