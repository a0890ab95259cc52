"""What is due, looked for across tenants by the finder and ended behind the walls of those whose sessions they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from postgres.database import Connection, set_tenants

from session.adapters.sessions_in_postgres import LOADED, loaded
from session.application.work import Due
from session.domain.attendance import Session
from session.domain.open_sessions import ENDED_BY
from session.domain.turns import Shard

# One process may have died and the others must have told how far they lag: who is silent for longer than SILENT may hold an
# answer, who is silent for longer than GONE has lost its partitions to another (a lost connection is noticed within 33 s).
SILENT, GONE = timedelta(seconds=10), timedelta(seconds=60)
HELD_BACK = """
select not coalesce(bool_or(measured_at > now() - $2::interval), false)
    or coalesce(bool_or(lag_s > $1 or measured_at <= now() - $2::interval), false)
from consumer_lag where measured_at > now() - $3::interval
"""

DUE = "select tenant_id::text, id::text from due_sessions($1, $2, $3, $4)"
NEXT = "select next_session_check($1, $2)"

# The guard stands twice on purpose: whoever holds the row may have changed it since it was found to be due.
END = f"""
with due as (
    select s.tenant_id, s.id
    from unnest($1::uuid[], $2::uuid[]) as d (tenant_id, id)
    join sessions s on s.tenant_id = d.tenant_id and s.id = d.id
    where s.status = 'active' and s.timeout_at < $3
    order by s.tenant_id, s.chat_key
    for update of s skip locked
)
update sessions s set status = 'ended', end_reason = 'inactivity_timeout', ended_at = greatest(s.timeout_at, s.started_at),
    ended_by = $4, ended_unanswered = s.waiting_since is not null, version = s.version + 1, updated_at = now()
from due
where s.tenant_id = due.tenant_id and s.id = due.id and s.status = 'active' and s.timeout_at < $3
returning {LOADED},
    (select k.chat_id::text from known_chats k where k.tenant_id = s.tenant_id and k.chat_key = s.chat_key) as chat_id
"""

LOOK_LATER = """
with going_on as (
    select s.tenant_id, s.id
    from unnest($1::uuid[], $2::uuid[]) as d (tenant_id, id)
    join sessions s on s.tenant_id = d.tenant_id and s.id = d.id
    where s.status = 'active' and s.check_at < $3 and s.timeout_at >= $3
    order by s.tenant_id, s.chat_key
    for update of s skip locked
)
update sessions s set check_at = s.timeout_at
from going_on g where s.tenant_id = g.tenant_id and s.id = g.id and s.status = 'active'
returning 1
"""

KEEP_LAG = """
insert into consumer_lag (replica, lag_s, measured_at) values ($1, $2, now())
on conflict (replica) do update set lag_s = excluded.lag_s, measured_at = excluded.measured_at
"""


class DeadlinesInPostgres:
    """Deadlines of the session table, and how far consumers lag."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def keep_lag(self, replica: int, lag_s: float) -> None:
        """Note that this replica's oldest waiting event is `lag_s` seconds old."""
        await self._connection.execute(KEEP_LAG, replica, lag_s)

    async def held_back(self, max_lag: timedelta) -> bool:
        """Tell whether a consumer of ours lags by more than `max_lag`, or has not told lately."""
        held: bool = await self._connection.fetchval(HELD_BACK, max_lag.total_seconds(), SILENT, GONE)
        return held

    async def due(self, shard: Shard, now: datetime, most: int) -> Due:
        """Return what must be looked at now, the longest due first."""
        rows = await self._connection.fetch(DUE, shard.number, shard.of, now, most)
        return [(tenant, id) for tenant, id in rows]

    async def end(self, due: Due, now: datetime) -> list[Session]:
        """End those that are open and past their own deadline, at it; what others hold locked is left alone."""
        await set_tenants(self._connection, {tenant for tenant, _ in due})
        sessions = []
        for row in await self._connection.fetch(END, *_columns(due), now, ENDED_BY):
            session = loaded(row[:-1])
            session.chat_id = row[-1]
            sessions.append(session)
        return sessions

    async def look_later(self, due: Due, now: datetime) -> int:
        """Have those that are not over yet looked at again at their deadline; return how many."""
        return len(await self._connection.fetch(LOOK_LATER, *_columns(due), now))

    async def next_check(self, shard: Shard) -> datetime | None:
        """Return when the next session must be looked at."""
        at: datetime | None = await self._connection.fetchval(NEXT, shard.number, shard.of)
        return at


def _columns(due: Due) -> tuple[Sequence[str], Sequence[str]]:
    return [tenant for tenant, _ in due], [id for _, id in due]
