"""Which sessions are open, in Postgres. The table holds those, and the few whose end was heard of before their beginning."""

from collections.abc import Collection, Sequence

from postgres.database import Connection

from messaging.application.work import Key
from messaging.domain.projected import SessionNews

OPEN = """
insert into open_sessions (tenant_id, id, project_id, chat_key, started_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) as s (tenant_id, id, project_id, chat_key, at)
order by tenant_id, id
on conflict (tenant_id, id) do nothing
"""
# A row of one that has ended is left only where none was found: its beginning is still to come, and must find it.
END = """
with ended as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
        as s (tenant_id, id, project_id, chat_key, at)
), closed as (
    delete from open_sessions o using ended e where o.tenant_id = e.tenant_id and o.id = e.id returning o.tenant_id, o.id
)
insert into open_sessions (tenant_id, id, project_id, chat_key, started_at, ended)
select e.*, true from ended e
where not exists (select from closed c where c.tenant_id = e.tenant_id and c.id = e.id)
order by e.tenant_id, e.id
on conflict (tenant_id, id) do update set ended = true
"""
OF_CHATS = """
select distinct on (o.tenant_id, o.chat_key) o.tenant_id::text, o.chat_key, o.id::text
from unnest($1::uuid[], $2::text[]) as w (tenant_id, chat_key)
join open_sessions o on o.tenant_id = w.tenant_id and o.chat_key = w.chat_key and not o.ended
order by o.tenant_id, o.chat_key, o.started_at desc, o.id desc
"""


class OpenSessionsInPostgres:
    """The projection of sessions that are open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self, sessions: Sequence[SessionNews]) -> None:
        """Take in that sessions began, unless their end was heard of before."""
        await self._connection.execute(OPEN, *_columns(sessions))

    async def end(self, sessions: Sequence[SessionNews]) -> None:
        """Take in that sessions ended."""
        await self._connection.execute(END, *_columns(sessions))

    async def of_chats(self, keys: Collection[Key]) -> dict[Key, str]:
        """Return the open sessions of chats, by chat key."""
        rows = await self._connection.fetch(OF_CHATS, [tenant for tenant, _ in keys], [key for _, key in keys])
        return {(tenant, key): session for tenant, key, session in rows}


def _columns(sessions: Sequence[SessionNews]) -> list[list[object]]:
    return [
        [each.tenant_id for each in sessions],
        [each.id for each in sessions],
        [each.project_id for each in sessions],
        [each.chat_key for each in sessions],
        [each.at for each in sessions],
    ]
