"""What lost its validity, of all tenants: for gateways that start."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from postgres.database import Connection

SINCE = """
select kind, id::text, tenant_id::text, user_id::text, at, null as project_id, null as role, null as agent_id,
    null::int as revision
from withdrawn_since($1, $2)
union all
select kind, id::text, tenant_id::text, user_id::text, at, project_id::text, role, agent_id::text, revision
from memberships_changed_since($1, $2)
order by 5, 2 limit $2
"""


class WithdrawalsInPostgres:
    """The look-up of withdrawals."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def since(self, moment: datetime, most: int) -> Sequence[asyncpg.Record]:
        """Return sign-ins and keys of all tenants that were revoked since, and memberships that changed, the oldest first."""
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(SINCE, moment, most)
        return rows
