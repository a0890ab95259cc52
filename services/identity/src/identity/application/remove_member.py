"""Take somebody out of a project, or an invitation back."""

from collections.abc import Callable

from kernel.cause import Cause

from identity.application.recognise_caller import Person
from identity.application.seat_member import unseat_member
from identity.application.work import Work
from identity.domain.membership import Member, Turn, refuse_losing

WHY = "removed"


async def remove_member(
    project_id: str, member_id: str, person: Person, *, by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Their agent rests, and gateways close the project to them within seconds; who is in none any more is signed out everywhere.

    Raises not_found, last_admin, rule_violated for an owner.
    """
    turn = await work.members.take_turn(by.tenant_id, project_id)
    row = await work.members.shown(by.tenant_id, project_id, member_id)
    expect(row["version"])
    member = await work.members.member(by.tenant_id, project_id, member_id)
    if member is None:
        await take_back(member_id, row["role"], turn, person.user_id, by=by, work=work)
        return
    refuse_losing(member, None, await work.members.others(by.tenant_id, project_id, member.user_id))
    await take_out(member, turn, person.user_id, by=by, work=work)


async def take_back(invitation_id: str, role: str, turn: Turn, removed_by: str, *, by: Cause, work: Work) -> None:
    """End an invitation that nobody has accepted."""
    await work.members.end_invitation(by.tenant_id, invitation_id, "revoked")
    await work.mails.use_up(by.tenant_id, "invitation", invitation_id, work.now)
    work.announcements.member_removed(invitation_id, turn, role, None, None, removed_by, by)


async def take_out(member: Member, turn: Turn, removed_by: str, *, by: Cause, work: Work) -> None:
    """End a membership, and all that hangs on it."""
    await work.members.leave(by.tenant_id, member.id)
    agent_id = await unseat_member(by.tenant_id, member.user_id, turn.project_id, by=by, work=work)
    await work.members.note_change(by.tenant_id, work.new_id(), turn, member.user_id, None, None, work.now)
    work.announcements.member_removed(member.id, turn, member.role, member.user_id, agent_id, removed_by, by)
    await _sign_out(member, turn.project_id, by, work)


async def _sign_out(member: Member, project_id: str, by: Cause, work: Work) -> None:
    if not await work.accounts.memberships(by.tenant_id, member.user_id):
        if await work.sign_ins.revoke_all(by.tenant_id, member.user_id, WHY, work.now):
            work.announcements.all_sign_ins_revoked(member.user_id, by)
        return
    for sign_in_id in await work.sign_ins.revoke_of_project(by.tenant_id, member.user_id, project_id, WHY, work.now):
        work.announcements.sign_in_revoked(member.user_id, sign_in_id, by)
