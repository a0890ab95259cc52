"""Channels together with what their providers say of them, set by set."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from postgres.database import Connection

from channel_gateway.domain.inbound import LimitKind, NewChatLimit, OwnNumber
from channel_gateway.domain.provider_session import ProviderSession

Row = Mapping[str, Any]
ChannelKey = tuple[str, str]

# Locked in their order, so that two processes wait for each other instead of deadlocking. Read only then, in a statement of
# its own: whoever has waited would otherwise see the session as it was before.
LOCK = """
select from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, channel_id)
join channels as c on c.tenant_id = wanted.tenant_id and c.id = wanted.channel_id
order by c.tenant_id, c.id for no key update of c
"""
READ = """
select c.tenant_id::text, c.id::text as channel_id, c.project_id::text, c.version, c.status, c.status_reason as reason,
    c.external_id, c.engine,
    s.status as provider_status, s.version as provider_version, s.told_at, s.me, s.limits
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, channel_id)
join channels as c on c.tenant_id = wanted.tenant_id and c.id = wanted.channel_id and c.deleted_at is null
left join provider_sessions as s on s.tenant_id = c.tenant_id and s.channel_id = c.id
"""

KEEP = """
with said as (
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[])
        as said (tenant_id, channel_id, version, status, external_id, engine, provider_status, provider_version,
            told_at, at, me, limits, reason)
), changed as (
    update channels as c set
        version = said.version, status = said.status,
        status_reason = said.reason, external_id = said.external_id, engine = said.engine,
        updated_at = case when said.version > c.version then now() else c.updated_at end,
        last_connected_at = case when said.status = 'active' and c.status <> 'active' then said.at
            else c.last_connected_at end,
        last_error = case when said.status = 'error' and c.status <> 'error' then said.reason else c.last_error end,
        last_error_at = case when said.status = 'error' and c.status <> 'error' then said.at else c.last_error_at end
    from said where c.tenant_id = said.tenant_id and c.id = said.channel_id
)
insert into provider_sessions (tenant_id, channel_id, status, version, told_at, heard_at, me, limits)
select tenant_id, channel_id, provider_status, provider_version, told_at, now(), me::jsonb, limits::jsonb from said
order by tenant_id, channel_id
on conflict (tenant_id, channel_id) do update set
    status = excluded.status, version = excluded.version, told_at = excluded.told_at, heard_at = excluded.heard_at,
    me = excluded.me, limits = excluded.limits
"""

STATUS = """
select c.id as channel_id, c.status, c.status_reason, c.engine, s.status as provider_status, s.version, s.me, s.limits,
    a.last_event_at,
    extract(epoch from greatest(now(), a.last_event_at) - a.last_event_at)::int as webhook_age_seconds
from channels as c
join channel_activity as a on a.tenant_id = c.tenant_id and a.channel_id = c.id
left join provider_sessions as s on s.tenant_id = c.tenant_id and s.channel_id = c.id
where c.tenant_id = $1 and c.id = $2 and ($3::uuid is null or c.project_id = $3) and c.deleted_at is null
"""


class SessionsInPostgres:
    """Channels and their provider's sessions inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def for_change(self, channels: Collection[ChannelKey]) -> dict[ChannelKey, ProviderSession]:
        """Return the living ones of these, which nobody else changes until the transaction ends."""
        wanted = [tenant_id for tenant_id, _ in channels], [channel_id for _, channel_id in channels]
        await self._connection.execute(LOCK, *wanted)
        rows = await self._connection.fetch(READ, *wanted)
        return {(row["tenant_id"], row["channel_id"]): _session(row) for row in rows}

    async def keep(self, sessions: Sequence[ProviderSession]) -> None:
        """Store what they have become."""
        await self._connection.execute(
            KEEP,
            [each.tenant_id for each in sessions],
            [each.channel_id for each in sessions],
            [each.version for each in sessions],
            [each.status for each in sessions],
            [each.external_id for each in sessions],
            [each.engine for each in sessions],
            [each.provider_status for each in sessions],
            [each.provider_version for each in sessions],
            [each.told_at for each in sessions],
            [each.at for each in sessions],
            [_written(each.me) for each in sessions],
            [json.dumps({kind: _fields(limit) for kind, limit in each.limits.items()}) for each in sessions],
            [each.reason for each in sessions],
        )

    async def status(self, tenant_id: str, channel_id: str, project_id: str | None) -> Row | None:
        """Return how a living channel is."""
        row = await self._connection.fetchrow(STATUS, tenant_id, channel_id, project_id)
        if row is None:
            return None
        return {**row, "me": json.loads(row["me"] or "null"), "limits": _limits(row["limits"])}


def _limits(written: str | None) -> dict[LimitKind, NewChatLimit]:
    return {kind: _limit(kind, said) for kind, said in json.loads(written or "{}").items()}


def _session(row: Row) -> ProviderSession:
    me = row["me"]
    return ProviderSession(
        **{name: value for name, value in row.items() if name not in ("me", "limits")},
        me=OwnNumber(**json.loads(me)) if me else None,
        limits=_limits(row["limits"]),
    )


def _limit(kind: LimitKind, said: Mapping[str, Any]) -> NewChatLimit:
    until = said.get("until")
    return NewChatLimit(**{**said, "kind": kind, "until": datetime.fromisoformat(until) if until else None})


def _fields(limit: NewChatLimit) -> dict[str, Any]:
    told = {"level": limit.level, "total": limit.total, "used": limit.used}
    until = {"until": limit.until.isoformat()} if limit.until else {}
    return {"active": limit.active, **until, **{name: value for name, value in told.items() if value is not None}}


def _written(me: OwnNumber | None) -> str | None:
    return None if me is None else json.dumps({"id": me.id, "lid": me.lid, "push_name": me.push_name})
