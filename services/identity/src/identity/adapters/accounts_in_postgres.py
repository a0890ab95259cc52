"""Tenants, users, projects and agents in Postgres."""

from collections.abc import Mapping
from datetime import datetime

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection

from identity.domain.account import (
    MOST_PROJECTS_NAMED,
    MOST_SESSIONS_OF_AN_AGENT,
    SESSION_TIMEOUT_MINUTES,
    FoundUser,
    Membership,
    NewAccount,
    Organisation,
    User,
)

FIND_BY_EMAIL = "select tenant_id::text, id::text, password_hash from find_user_by_email($1)"

OPEN_TENANT = """
insert into tenants (tenant_id, id, name, slug, country, timezone, language) values ($1, $1, $2, $3, $4, $5, $6)
"""

OPEN_USER = """
insert into users (tenant_id, id, name, email, password_hash, language, timezone, last_login_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""

OPEN_MEMBER = "insert into tenant_members (tenant_id, id, user_id, owner) values ($1, $2, $3, true)"

OPEN_PROJECT = """
insert into projects (tenant_id, id, name, is_default, timezone, country, language, session_timeout_minutes, default_pipeline_id,
    owner_user_id)
values ($1, $2, $3, true, $4, $5, $6, $7, $8, $9)
"""

OPEN_PROJECT_MEMBER = """
insert into project_members (tenant_id, id, project_id, user_id, role, joined_at) values ($1, $2, $3, $4, 'admin', $5)
"""

OPEN_AGENT = """
insert into agents (tenant_id, id, project_id, name, type, role, user_id, email, languages, max_sessions)
values ($1, $2, $3, $4, 'human', 'human_agent', $5, $6, array[$7], $8)
"""

SUSPENDED = "select status <> 'active' from tenants where tenant_id = $1 and id = $1"

ORGANISATION = "select name, language from tenants where tenant_id = $1 and id = $1"

ADD_USER = """
insert into users (tenant_id, id, name, email, password_hash, last_login_at) values ($1, $2, $3, $4, $5, $6)
"""

ADD_MEMBER = "insert into tenant_members (tenant_id, id, user_id, owner) values ($1, $2, $3, false)"

USER = """
select u.tenant_id::text, u.id::text, u.name, u.email, coalesce(u.language, t.language) as language,
    coalesce(u.timezone, t.timezone) as timezone, m.owner, u.status = 'active' and t.status <> 'closed' as active
from users u
join tenants t on t.tenant_id = u.tenant_id and t.id = u.tenant_id
join tenant_members m on m.tenant_id = u.tenant_id and m.user_id = u.id
where u.tenant_id = $1 and u.id = $2
"""

# An owner is an admin in every project, a member there or not.
MEMBERSHIPS = """
select p.id::text as project_id, p.name, case when o.owner then 'admin' else m.role end as role, p.is_default,
    a.id::text as agent_id
from tenant_members o
join projects p on p.tenant_id = o.tenant_id and p.deleted_at is null
left join project_members m on m.tenant_id = p.tenant_id and m.project_id = p.id and m.user_id = o.user_id
left join agents a on a.tenant_id = p.tenant_id and a.project_id = p.id and a.user_id = o.user_id and a.active
where o.tenant_id = $1 and o.user_id = $2 and (o.owner or m.joined_at is not null)
order by p.id is not distinct from $3::uuid desc, p.is_default desc, p.name, p.id
limit $4
"""

NOTE_SIGN_IN = """
update users set last_login_at = $3, password_hash = coalesce($4, password_hash) where tenant_id = $1 and id = $2
"""

RENEW_HASH = """
update users set password_hash = $3, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and ($4::text is null or password_hash = $4)
returning id
"""

LOCK_PROFILE = "select name, language, timezone from users where tenant_id = $1 and id = $2 for no key update"

KEEP_PROFILE = """
update users set name = $3, language = $4, timezone = $5, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
"""


class AccountsInPostgres:
    """The tables of accounts, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_by_email(self, email: str) -> FoundUser | None:
        """Return whose address that is, in whatever tenant."""
        row = await self._connection.fetchrow(FIND_BY_EMAIL, email)
        return None if row is None else FoundUser(row["tenant_id"], row["id"], row["password_hash"])

    async def slug_is_taken(self, slug: str) -> bool:
        """Tell whether any tenant has that slug."""
        taken: bool = await self._connection.fetchval("select slug_is_taken($1)", slug)
        return taken

    async def open(self, account: NewAccount, now: datetime) -> None:
        """Store all that a registration makes, but keys and sign-ins."""
        a, execute = account, self._connection.execute
        await execute(OPEN_TENANT, a.tenant_id, a.company, a.slug, a.country, a.timezone, a.language)
        await execute(OPEN_USER, a.tenant_id, a.user_id, a.name, a.email, a.password_hash, a.language, a.timezone, now)
        await execute(OPEN_MEMBER, a.tenant_id, a.member_id, a.user_id)
        await execute(
            OPEN_PROJECT,
            a.tenant_id,
            a.project_id,
            a.project_name,
            a.timezone,
            a.country,
            a.language,
            SESSION_TIMEOUT_MINUTES,
            a.pipeline_id,
            a.user_id,
        )
        await execute(OPEN_PROJECT_MEMBER, a.tenant_id, a.project_member_id, a.project_id, a.user_id, now)
        await execute(
            OPEN_AGENT,
            a.tenant_id,
            a.agent_id,
            a.project_id,
            a.name,
            a.user_id,
            a.email,
            a.language,
            MOST_SESSIONS_OF_AN_AGENT,
        )

    async def refuse_suspended(self, tenant_id: str) -> None:
        """Raise account_suspended where a tenant may not grow at the moment."""
        if await self._connection.fetchval(SUSPENDED, tenant_id):
            raise DomainError("account_suspended", "the account is suspended, or about to close")

    async def organisation(self, tenant_id: str) -> Organisation:
        """Return how a tenant is called, and its language."""
        row = await self._connection.fetchrow(ORGANISATION, tenant_id)
        assert row is not None
        return Organisation(**row)

    async def add_user(
        self, tenant_id: str, user_id: str, member_id: str, name: str, email: str, password_hash: str, now: datetime
    ) -> None:
        """Store somebody new in a tenant that there is; raise already_exists for an address that has an account."""
        try:
            await self._connection.execute(ADD_USER, tenant_id, user_id, name, email, password_hash, now)
        except asyncpg.UniqueViolationError as error:
            raise DomainError("already_exists", "that e-mail address has an account") from error
        await self._connection.execute(ADD_MEMBER, tenant_id, member_id, user_id)

    async def user(self, tenant_id: str, user_id: str) -> User:
        """Return a user; raise not_found."""
        row = await self._connection.fetchrow(USER, tenant_id, user_id)
        if row is None:
            raise DomainError("not_found", "there is no such user")
        return User(**row)

    async def memberships(self, tenant_id: str, user_id: str, first: str | None = None) -> list[Membership]:
        """Return the projects that a user may work in, that one first, then the default one; at most 100 and one."""
        rows = await self._connection.fetch(MEMBERSHIPS, tenant_id, user_id, first, MOST_PROJECTS_NAMED + 1)
        return [Membership(**row) for row in rows]

    async def set_password(
        self, tenant_id: str, user_id: str, password_hash: str, *, instead_of: str | None = None
    ) -> None:
        """Keep the hash of another password; raise conflict where it is not `instead_of` any more."""
        if await self._connection.fetchval(RENEW_HASH, tenant_id, user_id, password_hash, instead_of) is None:
            raise DomainError("conflict", "the password was changed meanwhile")

    async def lock_profile(self, tenant_id: str, user_id: str) -> Mapping[str, str | None]:
        """Return name, language and timezone as the user gave them, locked until the end of the transaction."""
        row = await self._connection.fetchrow(LOCK_PROFILE, tenant_id, user_id)
        if row is None:
            raise DomainError("not_found", "there is no such user")
        return dict(row)

    async def keep_profile(self, tenant_id: str, user_id: str, profile: Mapping[str, str | None]) -> None:
        """Store name, language and timezone."""
        values = (profile[name] for name in ("name", "language", "timezone"))
        await self._connection.execute(KEEP_PROFILE, tenant_id, user_id, *values)

    async def note_sign_in(self, tenant_id: str, user_id: str, password_hash: str | None, now: datetime) -> None:
        """Note a sign-in, and a fresh hash of the same password where there is one; silent."""
        await self._connection.execute(NOTE_SIGN_IN, tenant_id, user_id, now, password_hash)
