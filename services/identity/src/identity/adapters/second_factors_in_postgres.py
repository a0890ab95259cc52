"""Second factors and recovery codes in Postgres: secrets sealed, codes as hashes."""

from collections.abc import Collection
from datetime import datetime

from postgres.database import Connection

from identity.adapters.sealing import Sealing
from identity.domain.second_factor import SecondFactor

LOCK = """
select key_id, sealed, confirmed_at, last_step from second_factors where tenant_id = $1 and user_id = $2 for update
"""

# One that was confirmed is not replaced: it must be ended first, by whoever has it.
BEGIN = """
insert into second_factors as f (tenant_id, user_id, key_id, sealed) values ($1, $2, $3, $4)
on conflict (tenant_id, user_id) do update set key_id = excluded.key_id, sealed = excluded.sealed, created_at = now()
where f.confirmed_at is null
returning user_id
"""

TAKE_STEP = """
update second_factors set last_step = $3, confirmed_at = coalesce(confirmed_at, $4) where tenant_id = $1 and user_id = $2
"""

KEEP_CODES = "insert into recovery_codes (tenant_id, user_id, code_hash) select $1, $2, h from unnest($3::bytea[]) as h"

USE_CODE = """
update recovery_codes set used_at = $4 where tenant_id = $1 and user_id = $2 and code_hash = $3 and used_at is null
returning user_id
"""

END = "delete from second_factors where tenant_id = $1 and user_id = $2"

IS_ON = "select exists (select from second_factors where tenant_id = $1 and user_id = $2 and confirmed_at is not null)"


class SecondFactorsInPostgres:
    """The tables of second factors, in one transaction."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection = connection
        self._sealing = sealing

    async def lock(self, tenant_id: str, user_id: str) -> SecondFactor | None:
        """Return a user's second factor, locked until the end of the transaction."""
        row = await self._connection.fetchrow(LOCK, tenant_id, user_id)
        if row is None:
            return None
        secret = self._sealing.open(row["key_id"], row["sealed"], tenant_id, user_id)
        return SecondFactor(secret, row["confirmed_at"] is not None, row["last_step"])

    async def begin(self, tenant_id: str, user_id: str, secret: bytes) -> bool:
        """Store a secret that is not confirmed yet; tell whether there was no confirmed one in its place."""
        key_id, sealed = self._sealing.seal(secret, tenant_id, user_id)
        return await self._connection.fetchval(BEGIN, tenant_id, user_id, key_id, sealed) is not None

    async def take_step(self, tenant_id: str, user_id: str, step: int, now: datetime) -> None:
        """Note whose code was taken; the first one confirms the factor."""
        await self._connection.execute(TAKE_STEP, tenant_id, user_id, step, now)

    async def keep_codes(self, tenant_id: str, user_id: str, hashes: Collection[bytes]) -> None:
        """Store the hashes of recovery codes."""
        await self._connection.execute(KEEP_CODES, tenant_id, user_id, list(hashes))

    async def use_code(self, tenant_id: str, user_id: str, code_hash: bytes, now: datetime) -> bool:
        """Use up a recovery code; tell whether it was a good one."""
        return await self._connection.fetchval(USE_CODE, tenant_id, user_id, code_hash, now) is not None

    async def end(self, tenant_id: str, user_id: str) -> None:
        """Forget a second factor and its recovery codes."""
        await self._connection.execute(END, tenant_id, user_id)

    async def is_on(self, tenant_id: str, user_id: str) -> bool:
        """Tell whether a user is asked for a code."""
        found: bool = await self._connection.fetchval(IS_ON, tenant_id, user_id)
        return found
