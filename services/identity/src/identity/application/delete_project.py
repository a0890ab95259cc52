"""Delete a project in which nothing works any more. Its members are taken out of it, and invitations back."""

from collections.abc import Callable

from kernel.cause import Cause

from identity.application.remove_member import take_back, take_out
from identity.application.work import Work
from identity.domain.project import refuse_deleting


async def delete_project(
    project_id: str, user_id: str, *, by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Gateways close it within seconds. Raises not_found, invalid_state for the default one, not_empty while a channel works."""
    project = await work.projects.lock(by.tenant_id, project_id)
    expect(project.version)
    refuse_deleting(project, await work.projects.working_channels(by.tenant_id, project_id))
    turn = await work.members.take_turn(by.tenant_id, project_id)
    await work.projects.delete(by.tenant_id, project_id, work.now)
    for invitation_id, role in await work.members.open_invitations(by.tenant_id, project_id):
        await take_back(invitation_id, role, turn, user_id, by=by, work=work)
    for member in await work.members.all_of(by.tenant_id, project_id):
        await take_out(member, turn, user_id, by=by, work=work)
    work.announcements.project_deleted(project_id, project.version + 1, by)
