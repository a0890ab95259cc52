"""Leases, paces and pauses of channels, judged by the database's clock."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from postgres.database import Connection

from channel_gateway.adapters.vault import Sealed, Vault
from channel_gateway.application.messenger import Engine, Server
from channel_gateway.application.senders import ChannelKey, Profile, Resting, Senders, Standing
from channel_gateway.domain.channel import DEFAULT_PACE

TAKE = """
update channel_senders s set holder = $3, lease_until = now() + make_interval(secs => $4)
from (
    select f.tenant_id, f.channel_id
    from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
    join channel_senders f on f.tenant_id = n.tenant_id and f.channel_id = n.channel_id
    where f.lease_until is null or f.lease_until < now()
    order by f.tenant_id, f.channel_id for update of f skip locked
) f
where s.tenant_id = f.tenant_id and s.channel_id = f.channel_id
returning s.tenant_id::text, s.channel_id::text
"""
_HELD = """(
    select f.tenant_id, f.channel_id
    from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
    join channel_senders f on f.tenant_id = n.tenant_id and f.channel_id = n.channel_id
    where f.holder = $3::uuid
    order by f.tenant_id, f.channel_id for update of f
) f"""
RENEW = f"""
update channel_senders s set lease_until = now() + make_interval(secs => $4)
from {_HELD} where s.tenant_id = f.tenant_id and s.channel_id = f.channel_id
returning s.tenant_id::text, s.channel_id::text
"""
RELEASE = f"""
update channel_senders s set holder = null, lease_until = null
from {_HELD} where s.tenant_id = f.tenant_id and s.channel_id = f.channel_id
"""
# Locked: a sender that slept through its lease finds nothing here, and its successor waits until this has committed.
STAND = """
select s.tenant_id::text, s.channel_id::text, c.version,
    c.status = 'active' and c.deleted_at is null and coalesce(s.paused_until <= now(), true) and not exists (
        select from resting_projects r where r.tenant_id = c.tenant_id and r.project_id = c.project_id and r.rests) as works,
    not exists (
        select from provider_sessions p cross join jsonb_each(p.limits) as l
        where p.tenant_id = s.tenant_id and p.channel_id = s.channel_id and (l.value->>'active')::bool
            and coalesce((l.value->>'until')::timestamptz > now(), true)) as new_chats,
    s.high_at, s.automated_at, now()
from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
join channel_senders s on s.tenant_id = n.tenant_id and s.channel_id = n.channel_id
join channels c on c.tenant_id = s.tenant_id and c.id = s.channel_id
where s.holder = $3::uuid and s.lease_until > now()
order by s.tenant_id, s.channel_id for update of s
"""
PROFILES = """
select c.tenant_id::text, c.id::text, c.version, c.base_url, c.provider_session, c.pace,
    case when s.engine_asked_at > $3 then s.reserves_ids end as reserves_ids, k.id::text as credential_id, k.key_id, k.nonce,
    k.ciphertext
from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
join channels c on c.tenant_id = n.tenant_id and c.id = n.channel_id
join credentials k on k.tenant_id = c.tenant_id and k.id = c.credential_id and k.active
left join channel_senders s on s.tenant_id = c.tenant_id and s.channel_id = c.id
"""
SPEND = """
update channel_senders s set high_at = n.high_at, automated_at = n.automated_at
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) as n (tenant_id, channel_id, high_at, automated_at)
where s.tenant_id = n.tenant_id and s.channel_id = n.channel_id
"""
REMEMBER_ENGINE = """
with told as (
    update channels set engine = $3::text
    where tenant_id = $1 and id = $2 and $3::text is not null and engine is distinct from $3::text
)
update channel_senders set engine = coalesce($3::text, engine), engine_version = coalesce($4, engine_version),
    reserves_ids = $5, engine_asked_at = now()
where tenant_id = $1 and channel_id = $2
"""
PAUSE = """
update channel_senders set paused_until = greatest(paused_until, now() + make_interval(secs => $3))
where tenant_id = $1 and channel_id = $2
"""
KEEP_RESTING = """
insert into resting_projects (tenant_id, project_id, rests, version)
select distinct on (tenant_id, project_id) tenant_id, project_id, rests, version
from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[]) as n (tenant_id, project_id, rests, version)
order by tenant_id, project_id, version desc
on conflict (tenant_id, project_id) do update set rests = excluded.rests, version = excluded.version, updated_at = now()
where resting_projects.version < excluded.version
"""
REFUSE_EARLIER = "update channel_senders set refused_at = clock_timestamp() where tenant_id = $1 and channel_id = $2"


class SendersInPostgres(Senders):
    """The table of senders inside one transaction."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def take(self, channels: Sequence[ChannelKey], holder: str, lease_s: float) -> Sequence[ChannelKey]:
        """Take the lease of channels that nobody holds; return those that were had."""
        return [(row[0], row[1]) for row in await self._connection.fetch(TAKE, *_split(channels), holder, lease_s)]

    async def renew(self, channels: Sequence[ChannelKey], holder: str, lease_s: float) -> Sequence[ChannelKey]:
        """Hold leases for longer; return those that are still held."""
        return [(row[0], row[1]) for row in await self._connection.fetch(RENEW, *_split(channels), holder, lease_s)]

    async def release(self, channels: Sequence[ChannelKey], holder: str) -> None:
        """Give leases back."""
        await self._connection.execute(RELEASE, *_split(channels), holder)

    async def stand(self, channels: Sequence[ChannelKey], holder: str) -> Sequence[Standing]:
        """Return the channels whose lease is held, which nobody else touches until the transaction ends."""
        rows = await self._connection.fetch(STAND, *_split(channels), holder)
        return [Standing((row[0], row[1]), *tuple(row)[2:]) for row in rows]

    async def profiles(self, channels: Sequence[ChannelKey], asked_after: datetime) -> Sequence[Profile]:
        """Return profiles; what the engine can counts only if it was asked after that time."""
        rows = await self._connection.fetch(PROFILES, *_split(channels), asked_after)
        return [self._profile(row) for row in rows]

    async def spend(self, spent: Sequence[tuple[ChannelKey, datetime | None, datetime | None]]) -> None:
        """Store the buckets (high, automated) of channels."""
        tenants, channels = _split([key for key, _, _ in spent])
        await self._connection.execute(
            SPEND, tenants, channels, [high for _, high, _ in spent], [automated for _, _, automated in spent]
        )

    async def remember_engine(self, channel: ChannelKey, engine: Engine) -> None:
        """Store what the provider said of itself."""
        await self._connection.execute(REMEMBER_ENGINE, *channel, engine.name, engine.version, engine.reserves_ids)

    async def pause(self, channel: ChannelKey, seconds: float) -> None:
        """Hold a channel's sends back, at least for so long."""
        await self._connection.execute(PAUSE, *channel, seconds)

    async def refuse_earlier(self, channel: ChannelKey) -> None:
        """Whatever waits in a channel by now will not be sent."""
        await self._connection.execute(REFUSE_EARLIER, *channel)

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Keep the newest version of each."""
        await self._connection.execute(
            KEEP_RESTING,
            [each.tenant_id for each in projects],
            [each.project_id for each in projects],
            [each.rests for each in projects],
            [each.version for each in projects],
        )

    def _profile(self, row: Any) -> Profile:
        tenant_id, channel_id = row["tenant_id"], row["id"]
        sealed = Sealed(row["key_id"], row["nonce"], row["ciphertext"])
        key = self._vault.open(sealed, tenant_id, row["credential_id"])
        return Profile(
            key=(tenant_id, channel_id),
            version=row["version"],
            server=Server(row["base_url"], row["provider_session"], key),
            pace={**DEFAULT_PACE, **json.loads(row["pace"])},
            reserves_ids=row["reserves_ids"],
        )


def _split(channels: Sequence[ChannelKey]) -> tuple[list[str], list[str]]:
    return [tenant_id for tenant_id, _ in channels], [channel_id for _, channel_id in channels]
