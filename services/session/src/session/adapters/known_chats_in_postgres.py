"""Which chat a chat key names, as messaging told."""

from collections.abc import Iterable, Sequence

from postgres.database import Connection

from session.application.work import KnownChat
from session.domain.attendance import Session

# A key may stand in a batch more than once, and an upsert takes it only once.
KEEP = """
insert into known_chats (tenant_id, chat_key, project_id, chat_id, version)
select distinct on (tenant_id, chat_key) tenant_id, chat_key, project_id, chat_id, version
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::int[]) as k (tenant_id, chat_key, project_id, chat_id, version)
order by tenant_id, chat_key, version desc
on conflict (tenant_id, chat_key) do update set
    project_id = excluded.project_id, chat_id = excluded.chat_id, version = excluded.version, updated_at = now()
where known_chats.version < excluded.version
"""

NAMES = """
select k.tenant_id::text, k.chat_key, k.chat_id::text
from unnest($1::uuid[], $2::text[]) as wanted (tenant_id, chat_key)
join known_chats k on k.tenant_id = wanted.tenant_id and k.chat_key = wanted.chat_key
"""


class KnownChatsInPostgres:
    """The projection of chats."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def keep(self, chats: Sequence[KnownChat]) -> None:
        """Keep the newest version of each."""
        await self._connection.execute(
            KEEP,
            [each.tenant_id for each in chats],
            [each.chat_key for each in chats],
            [each.project_id for each in chats],
            [each.chat_id for each in chats],
            [each.version for each in chats],
        )

    async def name(self, sessions: Iterable[Session]) -> None:
        """Write into sessions which chat they are of, where that is known."""
        sessions = list(sessions)
        if not sessions:
            return
        keys = sorted({(each.tenant_id, each.chat_key) for each in sessions})
        rows = await self._connection.fetch(NAMES, [tenant for tenant, _ in keys], [key for _, key in keys])
        known = {(tenant, key): chat_id for tenant, key, chat_id in rows}
        for each in sessions:
            each.chat_id = known.get((each.tenant_id, each.chat_key))
