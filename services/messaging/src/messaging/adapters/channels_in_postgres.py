"""What is known of channels, in Postgres. Two versions stand in a row: a status may be told without the rest, and before it."""

from collections.abc import Collection, Sequence

from postgres.database import Connection

from messaging.application.work import Key, ProjectContact
from messaging.domain.projected import ChannelEnd, ChannelNews, ChannelStatus, Resting
from messaging.domain.sending_channel import SendingChannel

FOLLOW = """
insert into channels (tenant_id, id, project_id, version, type, name, messaging_window_hours)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::int[])
on conflict (tenant_id, id) do update set version = excluded.version, type = excluded.type, name = excluded.name,
    messaging_window_hours = excluded.messaging_window_hours, updated_at = now()
where channels.version < excluded.version
"""
FOLLOW_STATUSES = """
insert into channels (tenant_id, id, project_id, status_version, status)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[])
on conflict (tenant_id, id) do update set status_version = excluded.status_version, status = excluded.status, updated_at = now()
where channels.status_version < excluded.status_version
"""
REMOVE = """
insert into channels (tenant_id, id, project_id, deleted_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
on conflict (tenant_id, id) do update set deleted_at = coalesce(channels.deleted_at, excluded.deleted_at), updated_at = now()
"""

KEEP_RESTING = """
insert into resting_projects (tenant_id, project_id, rests, version)
select distinct on (tenant_id, project_id) tenant_id, project_id, rests, version
from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[]) as n (tenant_id, project_id, rests, version)
order by tenant_id, project_id, version desc
on conflict (tenant_id, project_id) do update set rests = excluded.rests, version = excluded.version, updated_at = now()
where resting_projects.version < excluded.version
"""

_RESTS = """exists (
    select from resting_projects r where r.tenant_id = c.tenant_id and r.project_id = c.project_id and r.rests)"""
# The columns stand in the order of the fields of SendingChannel.
KNOWN = f"""
select c.tenant_id::text, c.id::text, c.project_id::text, coalesce(c.type, 'unknown'), c.status, c.messaging_window_hours,
    c.deleted_at is not null, {_RESTS}
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
join channels c on c.tenant_id = w.tenant_id and c.id = w.id
"""
OF_PROJECTS = f"""
select c.tenant_id::text, c.id::text, c.project_id::text, coalesce(c.type, 'unknown'), c.status, c.messaging_window_hours, false, {_RESTS}
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, project_id)
join channels c on c.tenant_id = w.tenant_id and c.project_id = w.project_id and c.deleted_at is null
order by c.tenant_id, c.id
"""
LAST_OF_CONTACTS = """
select w.tenant_id::text, w.project_id::text, w.contact_id::text, coalesce(spoken.channel_id, seen.channel_id)::text
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, project_id, contact_id)
left join lateral (
    select h.channel_id from chats h
    join channels c on c.tenant_id = h.tenant_id and c.id = h.channel_id and c.project_id = w.project_id and c.deleted_at is null
    where h.tenant_id = w.tenant_id and h.contact_id = w.contact_id and h.chat_type = 'individual'
    order by h.last_message_at desc nulls last, h.id desc limit 1
) as spoken on true
left join lateral (
    select h.channel_id from contact_handles h
    join channels c on c.tenant_id = h.tenant_id and c.id = h.channel_id and c.project_id = w.project_id and c.deleted_at is null
    where h.tenant_id = w.tenant_id and h.contact_id = w.contact_id
    order by h.linked_at desc, h.channel_id limit 1
) as seen on true
where coalesce(spoken.channel_id, seen.channel_id) is not null
"""


class ChannelsInPostgres:
    """The projection of channels."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def follow(self, news: Sequence[ChannelNews]) -> None:
        """Take in what channels are like; older news change nothing."""
        await self._connection.execute(
            FOLLOW,
            [each.tenant_id for each in news],
            [each.id for each in news],
            [each.project_id for each in news],
            [each.version for each in news],
            [each.type for each in news],
            [each.name for each in news],
            [each.messaging_window_hours for each in news],
        )

    async def follow_statuses(self, news: Sequence[ChannelStatus]) -> None:
        """Take in whether channels work; older news change nothing."""
        await self._connection.execute(
            FOLLOW_STATUSES,
            [each.tenant_id for each in news],
            [each.id for each in news],
            [each.project_id for each in news],
            [each.version for each in news],
            [each.status for each in news],
        )

    async def remove(self, ends: Sequence[ChannelEnd]) -> None:
        """Take in that channels were deleted."""
        await self._connection.execute(
            REMOVE,
            [each.tenant_id for each in ends],
            [each.id for each in ends],
            [each.project_id for each in ends],
            [each.at for each in ends],
        )

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Take in which projects rest; older news change nothing."""
        await self._connection.execute(
            KEEP_RESTING,
            [each.tenant_id for each in projects],
            [each.project_id for each in projects],
            [each.rests for each in projects],
            [each.version for each in projects],
        )

    async def known(self, ids: Collection[Key]) -> dict[Key, SendingChannel]:
        """Return channels, deleted ones too."""
        rows = await self._connection.fetch(KNOWN, [tenant for tenant, _ in ids], [each for _, each in ids])
        channels = [SendingChannel(*row) for row in rows]
        return {(channel.tenant_id, channel.id): channel for channel in channels}

    async def of_projects(self, projects: Collection[Key]) -> dict[Key, list[SendingChannel]]:
        """Return the channels of projects that are not deleted."""
        rows = await self._connection.fetch(
            OF_PROJECTS, [tenant for tenant, _ in projects], [each for _, each in projects]
        )
        found: dict[Key, list[SendingChannel]] = {}
        for row in rows:
            channel = SendingChannel(*row)
            found.setdefault((channel.tenant_id, channel.project_id), []).append(channel)
        return found

    async def last_of_contacts(self, contacts: Collection[ProjectContact]) -> dict[ProjectContact, str]:
        """Return the channels on which contacts were last spoken with, else last seen, unless those were deleted."""
        rows = await self._connection.fetch(LAST_OF_CONTACTS, *map(list, zip(*contacts, strict=True)))
        return {(tenant, project, contact): channel for tenant, project, contact, channel in rows}
