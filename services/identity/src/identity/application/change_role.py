"""Give a member of a project another role."""

from collections.abc import Callable
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.recognise_caller import Person
from identity.application.seat_member import seat_member, unseat_member
from identity.application.work import Means, Work
from identity.domain.membership import (
    VIEWER,
    Member,
    refuse_giving_more,
    refuse_losing,
    refuse_own_role,
)


async def change_role(
    project_id: str,
    member_id: str,
    role: str,
    person: Person,
    *,
    by: Cause,
    expect: Callable[[int], None],
    means: Means,
    work: Work,
) -> Any:
    """Return the member's row. Gateways go by the new role within seconds.

    Raises not_found, invalid_state for somebody who has not joined yet, rule_violated for oneself, last_admin, permission_denied.
    """
    turn = await work.members.take_turn(by.tenant_id, project_id)
    member = await work.members.member(by.tenant_id, project_id, member_id)
    row = await work.members.shown(by.tenant_id, project_id, member_id)
    if member is None:
        raise DomainError("invalid_state", "they have not joined yet; invite them anew", current_state=row["status"])
    refuse_own_role(member, person.user_id)
    expect(member.version)
    refuse_giving_more(role, person.maker.rights, means.permissions_of)
    if role == member.role:
        return row
    refuse_losing(member, role, await work.members.others(by.tenant_id, project_id, member.user_id))
    await work.members.set_role(by.tenant_id, member_id, role)
    agent_id = await _agent(member, role, project_id, row["agent_id"], by=by, work=work)
    await work.members.note_change(by.tenant_id, work.new_id(), turn, member.user_id, role, agent_id, work.now)
    work.announcements.role_changed(member, role, turn, person.user_id, agent_id, by)
    return await work.members.shown(by.tenant_id, project_id, member_id)


async def _agent(member: Member, role: str, project_id: str, present: Any, *, by: Cause, work: Work) -> str | None:
    """Viewers attend no conversations; whoever was one does from now on."""
    if role == VIEWER:
        await unseat_member(by.tenant_id, member.user_id, project_id, by=by, work=work)
        return None
    if member.role == VIEWER:
        user = await work.accounts.user(by.tenant_id, member.user_id)
        return await seat_member(user, project_id, by=by, work=work)
    return None if present is None else str(present)
