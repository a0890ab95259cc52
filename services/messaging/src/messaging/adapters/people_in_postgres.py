"""What is known of contacts, in Postgres. Two versions stand in a row: an end may be told without the rest, and before it."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from postgres.database import Connection

from messaging.application.work import Key, MessageKey
from messaging.domain.projected import ContactLife, ContactNews, LinkedHandle
from messaging.domain.reaching import Handle, Person

FOLLOW = """
insert into contacts (tenant_id, id, project_id, version, name, phone, opted_out)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::bool[])
on conflict (tenant_id, id) do update set version = excluded.version, name = excluded.name, phone = excluded.phone,
    opted_out = excluded.opted_out, updated_at = now()
where contacts.version < excluded.version
"""
FOLLOW_LIVES = """
insert into contacts (tenant_id, id, project_id, life_version, deleted)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::bool[])
on conflict (tenant_id, id) do update set life_version = excluded.life_version, deleted = excluded.deleted, updated_at = now()
where contacts.life_version < excluded.life_version
"""
# What is told again later is as new as it was.
LINK = """
insert into contact_handles (tenant_id, contact_id, channel_id, kind, value, linked_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])
    as h (tenant_id, contact_id, channel_id, kind, value, linked_at)
order by tenant_id, contact_id, channel_id, kind, value
on conflict (tenant_id, contact_id, channel_id, kind, value) do nothing
"""
KNOWN = """
select p.tenant_id::text, p.id::text, p.project_id::text, p.opted_out, p.deleted, p.phone, (
        select json_agg(json_build_array(h.channel_id, h.kind, h.value, h.linked_at)) from contact_handles h
        where h.tenant_id = p.tenant_id and h.contact_id = p.id
    ) as handles
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
join contacts p on p.tenant_id = w.tenant_id and p.id = w.id
"""
# Should two contacts ever be known by one id, the one whom it was linked to last is meant.
BEHIND = """
select distinct on (h.tenant_id, h.channel_id, h.value) h.tenant_id::text, h.channel_id::text, h.value, h.contact_id::text
from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (tenant_id, channel_id, value)
join contact_handles h on h.tenant_id = w.tenant_id and h.channel_id = w.channel_id and h.value = w.value
order by h.tenant_id, h.channel_id, h.value, h.linked_at desc
"""


class PeopleInPostgres:
    """The projection of contacts and of where they are known."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def follow(self, news: Sequence[ContactNews]) -> None:
        """Take in what contacts are like; older news change nothing."""
        await self._connection.execute(
            FOLLOW,
            [each.tenant_id for each in news],
            [each.id for each in news],
            [each.project_id for each in news],
            [each.version for each in news],
            [each.name for each in news],
            [each.phone for each in news],
            [each.opted_out for each in news],
        )

    async def follow_lives(self, news: Sequence[ContactLife]) -> None:
        """Take in whether contacts are deleted; older news change nothing."""
        await self._connection.execute(
            FOLLOW_LIVES,
            [each.tenant_id for each in news],
            [each.id for each in news],
            [each.project_id for each in news],
            [each.version for each in news],
            [each.deleted for each in news],
        )

    async def link(self, handles: Sequence[LinkedHandle]) -> None:
        """Take in where contacts are known."""
        await self._connection.execute(
            LINK,
            [each.tenant_id for each in handles],
            [each.contact_id for each in handles],
            [each.channel_id for each in handles],
            [each.kind for each in handles],
            [each.value for each in handles],
            [each.linked_at for each in handles],
        )

    async def known(self, ids: Collection[Key]) -> dict[Key, Person]:
        """Return contacts, deleted ones too."""
        rows = await self._connection.fetch(KNOWN, [tenant for tenant, _ in ids], [each for _, each in ids])
        people = [
            Person(tenant, person, project, opted_out, deleted, phone, _handles(handles))
            for tenant, person, project, opted_out, deleted, phone, handles in rows
        ]
        return {(person.tenant_id, person.id): person for person in people}

    async def behind(self, addresses: Collection[MessageKey]) -> dict[MessageKey, str]:
        """Return the contacts that are known by ids of the provider (tenant, channel, id)."""
        rows = await self._connection.fetch(BEHIND, *map(list, zip(*addresses, strict=True)))
        return {(tenant, channel, value): contact for tenant, channel, value, contact in rows}


def _handles(raw: str | None) -> list[Handle]:
    return [
        Handle(channel_id, kind, value, datetime.fromisoformat(linked_at))
        for channel_id, kind, value, linked_at in json.loads(raw or "[]")
    ]
