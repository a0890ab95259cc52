"""API keys in Postgres: their hashes, and what they are for."""

from datetime import datetime

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from identity.domain.rights import Terms

API_KEYS = Listing(
    select="select * from api_keys where tenant_id = $1",
    sorts={"created_at": "created_at timestamptz"},
    filters={"user_id": "user_id = {}::uuid"},
)

FIND = "select tenant_id::text, id::text from find_api_key($1)"

GET = "select * from api_keys where tenant_id = $1 and id = $2"

# Locked: two that are made at once are counted one after the other.
LOCK_USER = "select id from users where tenant_id = $1 and id = $2 for no key update"

COUNT_USABLE = """
select count(*) from api_keys
where tenant_id = $1 and user_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
"""

KEEP = """
insert into api_keys (tenant_id, id, user_id, project_id, name, prefix, key_hash, role, owner, permissions, expires_at, created_at,
    updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
returning *
"""

REVOKE = """
update api_keys set revoked_at = $3, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and revoked_at is null
returning *
"""

TOUCH = """
update api_keys set last_used_at = $3
where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')
"""


class ApiKeysInPostgres:
    """The table of API keys, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, key_hash: bytes) -> tuple[str, str] | None:
        """Return tenant and id of a key, whatever its state."""
        row = await self._connection.fetchrow(FIND, key_hash)
        return None if row is None else (row["tenant_id"], row["id"])

    async def get(self, tenant_id: str, api_key_id: str, *, lock: bool = False) -> asyncpg.Record:
        """Return a key's row; raise not_found."""
        row = await self._connection.fetchrow(GET + " for update" if lock else GET, tenant_id, api_key_id)
        if row is None:
            raise DomainError("not_found", "there is no such API key")
        return row

    async def count_usable(self, tenant_id: str, user_id: str, now: datetime) -> int:
        """Return how many usable keys a user has; until the end of the transaction nobody else makes one for them."""
        await self._connection.execute(LOCK_USER, tenant_id, user_id)
        count: int = await self._connection.fetchval(COUNT_USABLE, tenant_id, user_id, now)
        return count

    async def keep(
        self,
        tenant_id: str,
        api_key_id: str,
        user_id: str,
        name: str,
        prefix: str,
        key_hash: bytes,
        terms: Terms,
        now: datetime,
    ) -> asyncpg.Record:
        """Store a key; return its row."""
        row = await self._connection.fetchrow(
            KEEP,
            tenant_id,
            api_key_id,
            user_id,
            terms.project_id,
            name,
            prefix,
            key_hash,
            terms.role,
            terms.owner,
            None if terms.permissions is None else sorted(terms.permissions),
            terms.expires_at,
            now,
        )
        assert row is not None
        return row

    async def revoke(self, tenant_id: str, api_key_id: str, now: datetime) -> asyncpg.Record:
        """End a key; return its row."""
        row = await self._connection.fetchrow(REVOKE, tenant_id, api_key_id, now)
        if row is None:
            raise DomainError("conflict", "somebody else revoked the key meanwhile")
        return row

    async def touch(self, tenant_id: str, api_key_id: str, now: datetime) -> None:
        """Note that a key was used, at most once a minute; silent."""
        await self._connection.execute(TOUCH, tenant_id, api_key_id, now)
