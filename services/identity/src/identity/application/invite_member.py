"""Invite somebody by e-mail to work in a project."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.recognise_caller import Person
from identity.application.work import Means, Work
from identity.domain.membership import INVITED_FOR, MOST_INVITATIONS_A_DAY, Invitation, refuse_giving_more


@dataclass(frozen=True)
class Invited:
    """Who is invited, to be what."""

    project_id: str
    email: str
    role: str
    create_agent: bool


async def invite_member(asked: Invited, person: Person, *, by: Cause, means: Means, work: Work) -> Any:
    """Return the row of whoever is invited; their mail leaves soon.

    Raises already_exists for a member or somebody invited, permission_denied for more than the caller has, account_suspended.
    Whether the address has an account somewhere else is not looked up: nobody learns it here.
    """
    refuse_giving_more(asked.role, person.maker.rights, means.permissions_of)
    await work.members.take_turn(by.tenant_id, asked.project_id)
    await work.accounts.refuse_suspended(by.tenant_id)
    present = await work.members.present(by.tenant_id, asked.project_id, asked.email, work.now)
    if present is not None:
        raise DomainError("already_exists", "that address is a member or invited already", existing_id=present)
    if await work.members.count_invitations(by.tenant_id, work.now - timedelta(days=1)) >= MOST_INVITATIONS_A_DAY:
        raise DomainError("too_many", f"at most {MOST_INVITATIONS_A_DAY} invitations in 24 hours")
    invitation = Invitation(
        tenant_id=by.tenant_id,
        id=work.new_id(),
        project_id=asked.project_id,
        email=asked.email,
        role=asked.role,
        create_agent=asked.create_agent,
        invited_by=person.user_id,
        invited_at=work.now,
        expires_at=work.now + INVITED_FOR,
    )
    await work.members.invite(invitation)
    await work.mails.put_in(by.tenant_id, work.new_id(), "invitation", asked.email, invitation.id, work.now)
    work.announcements.member_invited(invitation, by)
    return await work.members.shown(by.tenant_id, asked.project_id, invitation.id)
