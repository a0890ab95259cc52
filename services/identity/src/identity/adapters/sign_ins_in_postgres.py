"""Sign-ins and their refresh tokens in Postgres."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from postgres.database import Connection

BEGIN = """
insert into sign_ins (tenant_id, id, user_id, project_id, signed_in_at, last_used_at, expires_at)
values ($1, $2, $3, $4, $5, $5, $5)
"""

FIND = "select tenant_id::text, id::text from find_refresh_token($1)"

# The sign-in first: whoever refreshes or ends it waits there, and then sees what became of its tokens.
LOCK_SIGN_IN = """
select s.id from sign_ins s
where s.tenant_id = $1 and s.id = (select r.sign_in_id from refresh_tokens r where r.tenant_id = $1 and r.id = $2)
for update
"""

LOCK = """
select r.sign_in_id, r.used_at, r.expires_at, s.user_id, s.project_id, s.signed_in_at, s.revoked_at
from refresh_tokens r
join sign_ins s on s.tenant_id = r.tenant_id and s.id = r.sign_in_id
where r.tenant_id = $1 and r.id = $2
"""

USE_UP = "update refresh_tokens set used_at = $3 where tenant_id = $1 and sign_in_id = $2 and used_at is null"

BEGIN_NEXT = """
insert into refresh_tokens (tenant_id, id, sign_in_id, token_hash, expires_at) values ($1, $2, $3, $4, $5)
"""

PROLONG = """
update sign_ins set last_used_at = $3, expires_at = $4, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2
"""

REVOKE = """
update sign_ins set revoked_at = $3, revoked_because = $4, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and revoked_at is null
returning id
"""

REVOKE_ALL = """
update sign_ins set revoked_at = $3, revoked_because = $4, version = version + 1, updated_at = now()
where tenant_id = $1 and user_id = $2 and revoked_at is null and id is distinct from $5::uuid
"""

REVOKE_OF_PROJECT = """
update sign_ins set revoked_at = $4, revoked_because = $5, version = version + 1, updated_at = now()
where tenant_id = $1 and user_id = $2 and project_id = $3 and revoked_at is null
returning id::text
"""


class SignInsInPostgres:
    """The tables of sign-ins, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def begin(self, tenant_id: str, sign_in_id: str, user_id: str, project_id: str | None, now: datetime) -> None:
        """Store a sign-in, which has no refresh token yet."""
        await self._connection.execute(BEGIN, tenant_id, sign_in_id, user_id, project_id, now)

    async def find_refresh_token(self, token_hash: bytes) -> tuple[str, str] | None:
        """Return tenant and id of a refresh token, dead or alive."""
        row = await self._connection.fetchrow(FIND, token_hash)
        return None if row is None else (row["tenant_id"], row["id"])

    async def lock(self, tenant_id: str, refresh_token_id: str) -> asyncpg.Record | None:
        """Return the refresh token's row with that of its sign-in, both locked until the end of the transaction."""
        await self._connection.execute(LOCK_SIGN_IN, tenant_id, refresh_token_id)
        return await self._connection.fetchrow(LOCK, tenant_id, refresh_token_id)

    async def add_token(
        self, tenant_id: str, sign_in_id: str, token_id: str, token_hash: bytes, until: datetime, now: datetime
    ) -> None:
        """Make a refresh token the living one of its sign-in."""
        await self._connection.execute(USE_UP, tenant_id, sign_in_id, now)
        await self._connection.execute(BEGIN_NEXT, tenant_id, token_id, sign_in_id, token_hash, until)
        await self._connection.execute(PROLONG, tenant_id, sign_in_id, now, until)

    async def revoke(self, tenant_id: str, sign_in_id: str, because: str, now: datetime) -> bool:
        """End a sign-in; tell whether it had not ended before."""
        return await self._connection.fetchval(REVOKE, tenant_id, sign_in_id, now, because) is not None

    async def revoke_all(
        self, tenant_id: str, user_id: str, because: str, now: datetime, *, kept: str | None = None
    ) -> int:
        """End all sign-ins of a user but the kept one; return how many there were."""
        done: str = await self._connection.execute(REVOKE_ALL, tenant_id, user_id, now, because, kept)
        return int(done.rpartition(" ")[2])

    async def revoke_of_project(
        self, tenant_id: str, user_id: str, project_id: str, because: str, now: datetime
    ) -> Sequence[str]:
        """End the sign-ins of a user to one project; return their ids."""
        rows = await self._connection.fetch(REVOKE_OF_PROJECT, tenant_id, user_id, project_id, now, because)
        return [row["id"] for row in rows]
