"""What becomes of sends that have begun: outcomes, evidence, and looking for it."""

from collections.abc import Sequence

from postgres.database import Connection

from channel_gateway.adapters.send_rows import COLUMNS, attempt_of
from channel_gateway.application.sends import Looked, Settled
from channel_gateway.domain.send_outcomes import INTERRUPTED
from channel_gateway.domain.sending import MOST_FAILURES, Attempt, Change, Patience

# An outcome counts for its own call only; evidence for a message counts whichever call it was.
SETTLE = f"""
with o as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::bool[], $11::float[], $12::float[], $13::float[], $14::int[])
        as o (tenant_id, message_id, state, call, reason, failure_code, evidence, provider_id, provider_ref, counts, due_in_s,
            holds_chat_s, look_in_s, looks)
), held as (
    select a.tenant_id, a.message_id, a.unknown_since is null as was_hopeful
    from o join send_attempts a on a.tenant_id = o.tenant_id and a.message_id = o.message_id
    where (o.call is null or o.call = a.attempts)
        and (a.state = 'sending' or (a.state = 'unknown' and o.state in ('accepted', 'rejected')))
    order by a.tenant_id, a.message_id for update of a
)
update send_attempts a set
    state = o.state,
    failures = a.failures + o.counts::int,
    provider_id = coalesce(o.provider_id, a.provider_id),
    provider_ref = coalesce(o.provider_ref, a.provider_ref),
    evidence = o.evidence,
    failure_code = o.failure_code,
    last_error = coalesce(o.reason, a.last_error),
    due_at = case when o.state = 'pending' then now() + make_interval(secs => o.due_in_s) else a.due_at end,
    unknown_since = case when o.state = 'unknown' then coalesce(a.unknown_since, now()) else a.unknown_since end,
    holds_chat_until = case when o.state = 'unknown' then now() + make_interval(secs => o.holds_chat_s) end,
    look_at = case when o.state = 'unknown' then now() + make_interval(secs => o.look_in_s) end,
    looks = case when o.state = 'unknown' then o.looks else a.looks end,
    repeat_at = null,
    ended_at = case when o.state in ('accepted', 'rejected') then now() end,
    text = case when o.state in ('accepted', 'rejected') then null else a.text end,
    updated_at = now()
from o join held h on h.tenant_id = o.tenant_id and h.message_id = o.message_id
where a.tenant_id = o.tenant_id and a.message_id = o.message_id
returning {COLUMNS}, h.was_hopeful
"""

# Of a sender that is gone: nobody knows how far its calls came.
INTERRUPT = f"""
update send_attempts a set state = 'unknown', failures = a.failures + 1, last_error = $3,
    unknown_since = coalesce(a.unknown_since, now()), looks = 0, look_at = now() + make_interval(secs => $4),
    holds_chat_until = now() + make_interval(secs => case when a.id_reserved then $5::float else $6::float end), updated_at = now()
from (
    select b.tenant_id, b.message_id, b.unknown_since is null as was_hopeful
    from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, channel_id)
    join send_attempts b on b.tenant_id = w.tenant_id and b.channel_id = w.channel_id and b.state = 'sending'
    order by b.tenant_id, b.message_id for update of b
) h
where a.tenant_id = h.tenant_id and a.message_id = h.message_id
returning {COLUMNS}, h.was_hopeful
"""

# By id, and whatever is under way without one in the same chats: one look for a batch.
CONCERNED = f"""
select {COLUMNS}
from (select distinct * from unnest($1::uuid[], $2::uuid[], $3::text[])) as n (tenant_id, channel_id, provider_id)
join send_attempts a on a.tenant_id = n.tenant_id and a.channel_id = n.channel_id and a.provider_id = n.provider_id
union all
select {COLUMNS}
from (select distinct * from unnest($4::uuid[], $5::uuid[], $6::text[])) as n (tenant_id, channel_id, chat)
join send_attempts a on a.tenant_id = n.tenant_id and a.channel_id = n.channel_id and a.external_chat_id = n.chat
    and a.state in ('sending', 'unknown') and not a.id_reserved
"""

LOOK = f"""
update send_attempts a set look_at = now() + make_interval(secs => $3)
from (
    select b.tenant_id, b.message_id
    from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, message_id)
    join send_attempts b on b.tenant_id = n.tenant_id and b.message_id = n.message_id
    where b.state = 'unknown' and b.look_at <= now()
    order by b.tenant_id, b.message_id for update of b skip locked
) n
where a.tenant_id = n.tenant_id and a.message_id = n.message_id
returning {COLUMNS}
"""

LOOKED = """
update send_attempts a set looks = n.looks, updated_at = now(),
    repeat_at = case when n.repeats then now() end,
    look_at = case when not n.repeats then now() + make_interval(secs => n.next_s) end,
    holds_chat_until = case when n.releases and not n.repeats and a.id_reserved then now() else a.holds_chat_until end
from (
    select b.tenant_id, b.message_id, n.looks, n.next_s, n.releases,
        n.repeats and b.id_reserved and b.expires_at > now() and b.failures < $8 as repeats
    from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::float[], $6::bool[], $7::bool[])
        as n (tenant_id, message_id, before, looks, next_s, repeats, releases)
    join send_attempts b on b.tenant_id = n.tenant_id and b.message_id = n.message_id
    where b.state = 'unknown' and b.repeat_at is null and b.looks = n.before
    order by b.tenant_id, b.message_id for update of b
) n
where a.tenant_id = n.tenant_id and a.message_id = n.message_id
"""

PROVEN = """
select a.tenant_id::text, a.channel_id::text, a.provider_id
from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (tenant_id, channel_id, provider_id)
join send_attempts a on a.tenant_id = n.tenant_id and a.channel_id = n.channel_id and a.provider_id = n.provider_id
"""


class SendOutcomesInPostgres:
    """Begun sends inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def settle(self, changes: Sequence[Change]) -> Sequence[Settled]:
        """Store what becomes of sends; return those that it still concerned. At most one change for each."""
        rows = await self._connection.fetch(
            SETTLE,
            [each.tenant_id for each in changes],
            [each.message_id for each in changes],
            [each.state for each in changes],
            [each.call for each in changes],
            [each.reason for each in changes],
            [None if each.refusal is None else each.refusal.code for each in changes],
            [each.evidence for each in changes],
            [each.provider_id for each in changes],
            [each.provider_ref for each in changes],
            [each.counts for each in changes],
            [each.due_in_s for each in changes],
            [each.holds_chat_s for each in changes],
            [each.look_in_s for each in changes],
            [each.looks for each in changes],
        )
        return [Settled(attempt_of(row), newly=row["was_hopeful"]) for row in rows]

    async def interrupt(self, channels: Sequence[tuple[str, str]], patience: Patience) -> Sequence[Settled]:
        """Make unknown what a sender that is gone had begun in these channels (tenant, channel)."""
        rows = await self._connection.fetch(
            INTERRUPT,
            [tenant_id for tenant_id, _ in channels],
            [channel_id for _, channel_id in channels],
            INTERRUPTED.reason,
            patience.looks_s[0],
            patience.holds_chat_s(id_reserved=True),
            patience.holds_chat_s(id_reserved=False),
        )
        return [Settled(attempt_of(row), newly=row["was_hopeful"]) for row in rows]

    async def concerned(
        self, ids: Sequence[tuple[str, str, str]], chats: Sequence[tuple[str, str, str]]
    ) -> Sequence[Attempt]:
        """Return sends by (tenant, channel, provider's id), and those without one that are under way in (…, …, chat)."""
        rows = await self._connection.fetch(CONCERNED, *_columns_of(ids), *_columns_of(chats))
        return list({row[2]: attempt_of(row) for row in rows}.values())

    async def proven(self, ids: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Return which of the provider's ids (tenant, channel, id) belong to a send already."""
        return {(row[0], row[1], row[2]) for row in await self._connection.fetch(PROVEN, *_columns_of(ids))}

    async def look(self, sends: Sequence[tuple[str, str]], again_s: float) -> Sequence[Attempt]:
        """Return the unknown sends (tenant, message) that are to be looked for now; unless something is found out, again later."""
        tenants, ids = [tenant_id for tenant_id, _ in sends], [message_id for _, message_id in sends]
        return [attempt_of(row) for row in await self._connection.fetch(LOOK, tenants, ids, again_s)]

    async def looked(self, looked: Sequence[Looked]) -> None:
        """Note looks that found nothing."""
        await self._connection.execute(
            LOOKED,
            [each.tenant_id for each in looked],
            [each.message_id for each in looked],
            [each.before for each in looked],
            [each.looks for each in looked],
            [each.next_s for each in looked],
            [each.repeats for each in looked],
            [each.releases for each in looked],
            MOST_FAILURES,
        )


def _columns_of(triples: Sequence[tuple[str, str, str]]) -> tuple[list[str], list[str], list[str]]:
    return [each[0] for each in triples], [each[1] for each in triples], [each[2] for each in triples]
