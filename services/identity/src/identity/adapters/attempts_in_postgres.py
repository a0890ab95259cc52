"""Failed sign-ins in Postgres, shared by all replicas. Their tenant is nobody: none is known yet."""

from datetime import datetime

from postgres.database import Connection

from identity.application.work import NOBODY
from identity.domain.attempts import FORGOTTEN_AFTER

# While blocked nothing is counted; after that, and after an hour of quiet, counting begins anew.
COUNT = """
insert into sign_in_failures as f (tenant_id, who, attempts, last_at) values ($1, $2, 1, $3)
on conflict (tenant_id, who) do update set
    attempts = case
        when f.blocked_until > $3 then f.attempts
        when f.blocked_until <= $3 or f.last_at < $3 - $4::interval then 1
        else f.attempts + 1
    end,
    last_at = case when f.blocked_until > $3 then f.last_at else $3 end,
    blocked_until = case when f.blocked_until > $3 then f.blocked_until end
returning attempts, blocked_until
"""

BLOCK = "update sign_in_failures set blocked_until = $3 where tenant_id = $1 and who = $2 and blocked_until is null"

TAKE_BACK = "update sign_in_failures set attempts = greatest(attempts - 1, 0) where tenant_id = $1 and who = $2"

FORGET = "delete from sign_in_failures where tenant_id = $1 and who = $2"


class AttemptsInPostgres:
    """The table of failures, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, who: bytes, now: datetime) -> tuple[int, datetime | None]:
        """Count one more attempt; return how many there are now, and until when they are refused unseen."""
        row = await self._connection.fetchrow(COUNT, NOBODY, who, now, FORGOTTEN_AFTER)
        assert row is not None
        return row["attempts"], row["blocked_until"]

    async def block(self, who: bytes, until: datetime) -> None:
        """Refuse further attempts unseen for a while."""
        await self._connection.execute(BLOCK, NOBODY, who, until)

    async def take_back(self, who: bytes) -> None:
        """Forget one attempt, which came to nothing for a reason of our own."""
        await self._connection.execute(TAKE_BACK, NOBODY, who)

    async def forget(self, who: bytes) -> None:
        """Start over: somebody knew the password."""
        await self._connection.execute(FORGET, NOBODY, who)
