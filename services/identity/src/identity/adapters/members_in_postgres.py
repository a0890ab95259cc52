"""Who works in a project and who was asked to, in Postgres."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from identity.domain.account import MOST_SESSIONS_OF_AN_AGENT, User
from identity.domain.membership import Invitation, Member, Others, Seat, Turn

# Whoever has not joined yet has no name and comes last. By the database's own clock: a list's parameters tell its pages apart.
EVERYBODY = """
select * from (
    select m.tenant_id, m.id, m.project_id, m.version, m.created_at, m.updated_at, m.user_id, a.id as agent_id, u.email, u.name, m.role,
        'active' as status, m.invited_by, coalesce(m.invited_at, m.created_at) as invited_at, m.joined_at, u.name as listed_name,
        m.joined_at as listed_at
    from project_members m
    join users u on u.tenant_id = m.tenant_id and u.id = m.user_id
    left join agents a on a.tenant_id = m.tenant_id and a.project_id = m.project_id and a.user_id = m.user_id and a.active
    where m.joined_at is not null
    union all
    select i.tenant_id, i.id, i.project_id, i.version, i.created_at, i.updated_at, null, null, i.email, null, i.role,
        'invited', i.invited_by, i.created_at, null, i.email, timestamptz '9999-01-01 00:00:00Z'
    from invitations i
    where i.state = 'pending' and i.expires_at > now()
) everybody where tenant_id = $1 and project_id = $2
"""

MEMBERS = Listing(
    select=EVERYBODY,
    sorts={"joined_at": "listed_at timestamptz", "name": "listed_name text"},
    filters={"role": "role = any ({}::text[])", "status": "status = any ({}::text[])"},
)

SHOWN = EVERYBODY + " and id = $3"

# Members come, change and go one after the other: whoever counts the admins that are left counts right.
TAKE_TURN = """
update projects set members_revision = members_revision + 1 where tenant_id = $1 and id = $2 and deleted_at is null
returning members_revision
"""

MEMBER = """
select m.id::text, m.user_id::text, m.role, m.version, o.owner
from project_members m
join tenant_members o on o.tenant_id = m.tenant_id and o.user_id = m.user_id
where m.tenant_id = $1 and m.project_id = $2 and m.id = $3
"""

MEMBER_OF_USER = """
select m.id::text, m.user_id::text, m.role, m.version, o.owner
from project_members m
join tenant_members o on o.tenant_id = m.tenant_id and o.user_id = m.user_id
where m.tenant_id = $1 and m.project_id = $2 and m.user_id = $3 and m.joined_at is not null
"""

ALL_OF = """
select m.id::text, m.user_id::text, m.role, m.version, o.owner
from project_members m
join tenant_members o on o.tenant_id = m.tenant_id and o.user_id = m.user_id
where m.tenant_id = $1 and m.project_id = $2 order by m.id
"""

OPEN_INVITATIONS = """
select id::text, role from invitations where tenant_id = $1 and project_id = $2 and state = 'pending' order by id
"""

OTHERS = """
select count(*) filter (where m.role = 'admin') as admins, count(*) filter (where o.owner) as owners
from tenant_members o
join users u on u.tenant_id = o.tenant_id and u.id = o.user_id and u.status = 'active'
left join project_members m on m.tenant_id = o.tenant_id and m.project_id = $2 and m.user_id = o.user_id
where o.tenant_id = $1 and o.user_id <> $3
"""

PRESENT = """
select m.id::text from project_members m
join users u on u.tenant_id = m.tenant_id and u.id = m.user_id
where m.tenant_id = $1 and m.project_id = $2 and u.email = $3
union all
select id::text from invitations
where tenant_id = $1 and project_id = $2 and email = $3 and state = 'pending' and expires_at > $4
"""

COUNT_INVITATIONS = "select count(*) from invitations where tenant_id = $1 and created_at > $2"

END_EXPIRED = """
update invitations set state = 'expired', version = version + 1, updated_at = now()
where tenant_id = $1 and project_id = $2 and email = $3 and state = 'pending'
"""

INVITE = """
insert into invitations (tenant_id, id, project_id, email, role, create_agent, invited_by, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

INVITATION = """
select tenant_id::text, id::text, project_id::text, email, role, create_agent, invited_by::text, created_at as invited_at, expires_at
from invitations where tenant_id = $1 and id = $2 and state = 'pending'
"""

END_INVITATION = """
update invitations set state = $3, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and state = 'pending'
returning role
"""

JOIN = """
insert into project_members (tenant_id, id, project_id, user_id, role, invited_by, invited_at, joined_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

BEGIN = """
insert into project_members (tenant_id, id, project_id, user_id, role, joined_at) values ($1, $2, $3, $4, 'admin', $5)
"""

SET_ROLE = """
update project_members set role = $3, version = version + 1, updated_at = now() where tenant_id = $1 and id = $2
"""

LEAVE = "delete from project_members where tenant_id = $1 and id = $2"

NOTE_CHANGE = """
insert into membership_changes (tenant_id, id, project_id, user_id, role, agent_id, revision, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

AGENT = """
select id::text, active from agents
where tenant_id = $1 and project_id = $2 and user_id = $3 and deleted_at is null for update
"""

MAKE_AGENT = """
insert into agents (tenant_id, id, project_id, name, type, role, user_id, email, languages, max_sessions)
values ($1, $2, $3, $4, 'human', 'human_agent', $5, $6, array[$7], $8)
"""

WAKE_AGENT = """
update agents set active = true, version = version + 1, updated_at = now() where tenant_id = $1 and id = $2
"""

REST_AGENT = """
update agents set active = false, status = 'offline', version = version + 1, updated_at = now()
where tenant_id = $1 and project_id = $2 and user_id = $3 and active
returning id::text
"""


class MembersInPostgres:
    """The tables of members, invitations and the agents that members are, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take_turn(self, tenant_id: str, project_id: str) -> Turn:
        """Let nobody else change a project's members until the end of the transaction; raise not_found."""
        revision = await self._connection.fetchval(TAKE_TURN, tenant_id, project_id)
        if revision is None:
            raise DomainError("not_found", "there is no such project")
        return Turn(project_id, revision)

    async def shown(self, tenant_id: str, project_id: str, member_id: str) -> asyncpg.Record:
        """Return a member, or somebody invited, as they are shown; raise not_found."""
        row = await self._connection.fetchrow(SHOWN, tenant_id, project_id, member_id)
        if row is None:
            raise DomainError("not_found", "there is no such member")
        return row

    async def member(self, tenant_id: str, project_id: str, member_id: str) -> Member | None:
        """Return somebody who has joined."""
        row = await self._connection.fetchrow(MEMBER, tenant_id, project_id, member_id)
        return None if row is None else Member(**row)

    async def member_of_user(self, tenant_id: str, project_id: str, user_id: str) -> Member | None:
        """Return what a user is in a project, if they have joined."""
        row = await self._connection.fetchrow(MEMBER_OF_USER, tenant_id, project_id, user_id)
        return None if row is None else Member(**row)

    async def all_of(self, tenant_id: str, project_id: str) -> Sequence[Member]:
        """Return everybody who has joined."""
        return [Member(**row) for row in await self._connection.fetch(ALL_OF, tenant_id, project_id)]

    async def open_invitations(self, tenant_id: str, project_id: str) -> Sequence[tuple[str, str]]:
        """Return id and role of each invitation that nobody has accepted or taken back."""
        rows = await self._connection.fetch(OPEN_INVITATIONS, tenant_id, project_id)
        return [(row["id"], row["role"]) for row in rows]

    async def others(self, tenant_id: str, project_id: str, user_id: str) -> Others:
        """Return who else there is."""
        row = await self._connection.fetchrow(OTHERS, tenant_id, project_id, user_id)
        assert row is not None
        return Others(**row)

    async def present(self, tenant_id: str, project_id: str, email: str, now: datetime) -> str | None:
        """Return the id of whoever is a member or invited with that address."""
        found: str | None = await self._connection.fetchval(PRESENT, tenant_id, project_id, email, now)
        return found

    async def count_invitations(self, tenant_id: str, since: datetime) -> int:
        """Return how many were invited since, whatever became of that."""
        count: int = await self._connection.fetchval(COUNT_INVITATIONS, tenant_id, since)
        return count

    async def invite(self, invitation: Invitation) -> None:
        """Store an invitation in the place of one that has expired."""
        one = invitation
        await self._connection.execute(END_EXPIRED, one.tenant_id, one.project_id, one.email)
        await self._connection.execute(
            INVITE,
            one.tenant_id,
            one.id,
            one.project_id,
            one.email,
            one.role,
            one.create_agent,
            one.invited_by,
            one.invited_at,
            one.expires_at,
        )

    async def invitation(self, tenant_id: str, invitation_id: str) -> Invitation | None:
        """Return an invitation that nobody has accepted or taken back; it may have expired."""
        row = await self._connection.fetchrow(INVITATION, tenant_id, invitation_id)
        return None if row is None else Invitation(**row)

    async def end_invitation(self, tenant_id: str, invitation_id: str, state: str) -> bool:
        """Make an invitation `accepted` or `revoked`; tell whether it was open."""
        return await self._connection.fetchval(END_INVITATION, tenant_id, invitation_id, state) is not None

    async def join(self, invitation: Invitation, user_id: str, now: datetime) -> None:
        """Make whoever accepted a member."""
        one = invitation
        await self._connection.execute(
            JOIN, one.tenant_id, one.id, one.project_id, user_id, one.role, one.invited_by, one.invited_at, now
        )

    async def begin(self, tenant_id: str, member_id: str, project_id: str, user_id: str, now: datetime) -> None:
        """Make whoever made a project its first admin."""
        await self._connection.execute(BEGIN, tenant_id, member_id, project_id, user_id, now)

    async def set_role(self, tenant_id: str, member_id: str, role: str) -> None:
        """Give a member another role."""
        await self._connection.execute(SET_ROLE, tenant_id, member_id, role)

    async def leave(self, tenant_id: str, member_id: str) -> None:
        """Make somebody a member no more."""
        await self._connection.execute(LEAVE, tenant_id, member_id)

    async def note_change(
        self,
        tenant_id: str,
        change_id: str,
        turn: Turn,
        user_id: str,
        role: str | None,
        agent_id: str | None,
        now: datetime,
    ) -> None:
        """Remember, for gateways that start, what tokens in hand say wrongly; None for `role`: no member any more."""
        await self._connection.execute(
            NOTE_CHANGE, tenant_id, change_id, turn.project_id, user_id, role, agent_id, turn.revision, now
        )

    async def agent_of(self, user: User, project_id: str, new_id: str) -> Seat:
        """Return the agent that a person is in a project, made or woken where it has to be."""
        row = await self._connection.fetchrow(AGENT, user.tenant_id, project_id, user.id)
        if row is None:
            await self._connection.execute(
                MAKE_AGENT,
                user.tenant_id,
                new_id,
                project_id,
                user.name,
                user.id,
                user.email,
                user.language,
                MOST_SESSIONS_OF_AN_AGENT,
            )
            return Seat(new_id, "created")
        if not row["active"]:
            await self._connection.execute(WAKE_AGENT, user.tenant_id, row["id"])
        return Seat(row["id"], "there" if row["active"] else "activated")

    async def rest_agent(self, tenant_id: str, project_id: str, user_id: str) -> str | None:
        """Let a person's agent attend nothing any more; return its id where there was one."""
        resting: str | None = await self._connection.fetchval(REST_AGENT, tenant_id, project_id, user_id)
        return resting
