"""The queues of the channels that a sender serves: what is next, and that it begins."""

from collections.abc import Mapping, Sequence

from postgres.database import Connection

from channel_gateway.adapters.send_rows import COLUMNS, attempt_of
from channel_gateway.application.sends import Begun, Budget
from channel_gateway.domain.sending import Attempt

# The first of each chat, unless something of its chat is under way: high priority first, as far as the channel's budget goes. Two looks
# for each row, and no join: whatever the planner knows of the table, it must not read all that a channel has ever sent.
_FIRST = """a.seq = (
            select b.seq from send_attempts b
            where b.tenant_id = a.tenant_id and b.channel_id = a.channel_id and b.chat_key = a.chat_key
                and b.state in ('pending', 'sending', 'unknown')
                and (b.state <> 'unknown' or b.holds_chat_until > now())
            order by b.seq limit 1)
        and (
            select count(*) from send_attempts b
            where b.tenant_id = a.tenant_id and b.channel_id = a.channel_id and b.chat_key = a.chat_key and b.state = 'sending') = 0"""
HEADS = f"""
select {COLUMNS}
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::bool[])
    as w (tenant_id, channel_id, slots, high, automated, new_chats)
cross join lateral (
    (select a.*, -1 as rank from send_attempts a
    where a.tenant_id = w.tenant_id and a.channel_id = w.channel_id and a.repeat_at <= now() and a.state = 'unknown'
        and not exists (select from send_attempts b where b.tenant_id = a.tenant_id and b.channel_id = a.channel_id
            and b.chat_key = a.chat_key and b.state = 'sending')
    order by a.seq limit w.slots)
    union all
    (select a.*, 0 as rank from send_attempts a
    where a.tenant_id = w.tenant_id and a.channel_id = w.channel_id and a.state = 'pending' and a.priority = 0
        and a.due_at <= now() and a.expires_at > now() and (w.new_chats or not a.first_contact)
        and {_FIRST}
    order by a.seq limit w.high)
    union all
    (select a.*, a.priority as rank from send_attempts a
    where a.tenant_id = w.tenant_id and a.channel_id = w.channel_id and a.state = 'pending' and a.priority in (1, 2)
        and a.due_at <= now() and a.expires_at > now() and (w.new_chats or not (a.first_contact or a.priority = 2))
        and {_FIRST}
    order by a.priority, a.seq limit w.automated)
    order by rank, seq limit w.slots
) a
"""

BEGIN = """
update send_attempts a set state = 'sending', sending_at = now(), attempts = a.attempts + 1, repeat_at = null, look_at = null,
    provider_id = n.provider_id, id_reserved = n.provider_id is not null,
    updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (tenant_id, message_id, provider_id)
where a.tenant_id = n.tenant_id and a.message_id = n.message_id
    and (a.state = 'pending' or (a.state = 'unknown' and a.repeat_at is not null))
returning a.message_id::text, a.attempts, a.provider_id, a.id_reserved, a.sending_at
"""
LEAVE = """
update send_attempts a set repeat_at = null, holds_chat_until = now(), updated_at = now()
where a.tenant_id = any($1::uuid[]) and a.message_id = any($2::uuid[]) and a.state = 'unknown'
"""
POSTPONE = """
update send_attempts a set due_at = now() + make_interval(secs => $3), updated_at = now()
where a.tenant_id = any($1::uuid[]) and a.message_id = any($2::uuid[]) and a.state = 'pending'
"""
ADDRESS = """
update send_attempts a set external_chat_id = n.chat, due_at = now(), updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (tenant_id, message_id, chat)
where a.tenant_id = n.tenant_id and a.message_id = n.message_id and a.state = 'pending'
"""


class SendQueueInPostgres:
    """The queues inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def heads(self, budgets: Sequence[Budget]) -> Sequence[Attempt]:
        """Return what may be sent now: of each chat the first, of each channel as many as its budget allows."""
        rows = await self._connection.fetch(
            HEADS,
            [each.tenant_id for each in budgets],
            [each.channel_id for each in budgets],
            [each.slots for each in budgets],
            [each.high for each in budgets],
            [each.automated for each in budgets],
            [each.new_chats for each in budgets],
        )
        return [attempt_of(row) for row in rows]

    async def begin(self, sends: Sequence[tuple[Attempt, str | None]]) -> Mapping[str, Begun]:
        """Make sends begin, each with the id reserved for it or none; return those that did, by message id."""
        rows = await self._connection.fetch(
            BEGIN,
            [attempt.tenant_id for attempt, _ in sends],
            [attempt.message_id for attempt, _ in sends],
            [provider_id for _, provider_id in sends],
        )
        return {row[0]: Begun(*row[1:]) for row in rows}

    async def leave(self, sends: Sequence[Attempt]) -> None:
        """Repeat these no more: they stay unknown."""
        await self._connection.execute(LEAVE, [each.tenant_id for each in sends], [each.message_id for each in sends])

    async def postpone(self, sends: Sequence[Attempt], seconds: float) -> None:
        """Let sends that have not begun wait."""
        tenants, ids = [each.tenant_id for each in sends], [each.message_id for each in sends]
        await self._connection.execute(POSTPONE, tenants, ids, seconds)

    async def address(self, sends: Sequence[tuple[Attempt, str]]) -> None:
        """Give sends to bare phones the chats that the provider named."""
        await self._connection.execute(
            ADDRESS,
            [attempt.tenant_id for attempt, _ in sends],
            [attempt.message_id for attempt, _ in sends],
            [chat for _, chat in sends],
        )
