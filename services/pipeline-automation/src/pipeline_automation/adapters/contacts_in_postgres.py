"""Contacts as we know them, in Postgres, set-based. The tenant travels with every row: a batch holds many."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from postgres.database import Connection

from pipeline_automation.application.work import Contact, Project
from pipeline_automation.domain.known_contact import FieldChange, KnownContact, LifeChange, Snapshot, TagChange
from pipeline_automation.domain.newcomer import Door, Newcomer

# The update changes nothing that matters: it locks the row and shows it as it is now, whoever made it.
MEET = """
insert into contacts (tenant_id, id, project_id)
select tenant_id, id, project_id from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as met (tenant_id, project_id, id)
order by tenant_id, id
on conflict (tenant_id, id) do update set updated_at = now()
returning tenant_id::text, project_id::text, id::text, version, name, email, phone, external_id, language, timezone,
    source_channel, tags, custom_fields, opted_out, met_at, later, deleted, life_version
"""

KEEP = """
update contacts c set version = k.version, name = k.name, email = k.email, phone = k.phone, external_id = k.external_id,
    language = k.language, timezone = k.timezone, source_channel = k.source_channel,
    tags = array(select jsonb_array_elements_text(k.tags)), custom_fields = k.custom_fields, opted_out = k.opted_out,
    met_at = k.met_at, later = k.later, deleted = k.deleted, life_version = k.life_version
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::jsonb[], $12::jsonb[], $13::boolean[], $14::timestamptz[], $15::jsonb[], $16::boolean[], $17::int[])
    as k (tenant_id, id, version, name, email, phone, external_id, language, timezone, source_channel, tags, custom_fields,
        opted_out, met_at, later, deleted, life_version)
where c.tenant_id = k.tenant_id and c.id = k.id
"""

# Whoever was met before is not written again: this runs for whatever tells of a contact.
ARRIVE = """
insert into contacts (tenant_id, id, project_id, channel_id, first_place)
select tenant_id, id, project_id, channel_id, 'waiting' from (
    select distinct on (tenant_id, id) tenant_id, project_id, id, channel_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality as n (tenant_id, project_id, id, channel_id, place)
    order by tenant_id, id, channel_id is null, place
) n
where not exists (select from contacts c where c.tenant_id = n.tenant_id and c.id = n.id and c.first_place <> 'unmet')
order by tenant_id, id
on conflict (tenant_id, id) do update set first_place = 'waiting', channel_id = excluded.channel_id
    where contacts.first_place = 'unmet'
returning tenant_id::text, project_id::text, id::text
"""

WAITING = """
select c.tenant_id::text, c.project_id::text, c.id::text
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, project_id)
join contacts c on c.tenant_id = w.tenant_id and c.project_id = w.project_id and c.first_place = 'waiting' and not c.deleted
"""

# The channel's own pipeline before the default one. It cannot be told while the channel is not known, or while there is no
# pipeline and the project, which brings the default one, is not known. Who ever stood in the pipeline does not begin again.
DOORS = """
select c.tenant_id::text, c.project_id::text, c.id::text, door.pipeline_id::text,
    case when not exists (
        select from placements p where p.tenant_id = c.tenant_id and p.contact_id = c.id and p.pipeline_id = door.pipeline_id
    ) then door.status_id::text end as status_id
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
join contacts c on c.tenant_id = w.tenant_id and c.id = w.id and c.first_place = 'waiting' and not c.deleted
left join channels ch on ch.tenant_id = c.tenant_id and ch.id = c.channel_id
left join projects pr on pr.tenant_id = c.tenant_id and pr.id = c.project_id
left join lateral (
    select p.id as pipeline_id, s.id as status_id
    from pipelines p
    join lateral (
        select s.id from statuses s
        where s.tenant_id = p.tenant_id and s.pipeline_id = p.id and s.status_type = 'open' and s.active and s.deleted_at is null
        order by s.position limit 1
    ) s on true
    where p.tenant_id = c.tenant_id and p.project_id = c.project_id and p.active and p.deleted_at is null
        and (p.is_default or p.id = ch.pipeline_id)
    order by (p.id is not distinct from ch.pipeline_id) desc limit 1
) door on true
where (c.channel_id is null or ch.id is not null) and (door.pipeline_id is not null or pr.id is not null)
order by c.tenant_id, c.id
for update of c
"""

SETTLE = """
update contacts c set first_place = 'settled'
from unnest($1::uuid[], $2::uuid[]) as s (tenant_id, id) where c.tenant_id = s.tenant_id and c.id = s.id
"""

PROJECT = "select project_id::text from contacts where tenant_id = $1 and id = $2 and not deleted"


class ContactsInPostgres:
    """The projection of contacts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def meet(self, keys: Collection[Contact]) -> Mapping[Contact, KnownContact]:
        """Return the contacts, locked until the end of the transaction; those never heard of begin to exist."""
        rows = await self._connection.fetch(MEET, *_columns(keys, 3))
        found = {(row["tenant_id"], row["id"]): row for row in rows}
        return {key: _known(found[key[0], key[2]]) for key in keys}

    async def keep(self, contacts: Collection[KnownContact]) -> None:
        """Store what was heard of contacts that were met."""
        if contacts:
            rows = [_row(contact) for contact in contacts]
            await self._connection.execute(KEEP, *map(list, zip(*rows, strict=True)))

    async def arrive(self, newcomers: Sequence[Newcomer]) -> list[Contact]:
        """Note through which channel contacts were met; return those who have only now begun to wait."""
        rows = await self._connection.fetch(ARRIVE, *_columns([(*each.key, each.channel_id) for each in newcomers], 4))
        return [(row["tenant_id"], row["project_id"], row["id"]) for row in rows]

    async def waiting_in(self, projects: Collection[Project]) -> list[Contact]:
        """Return the contacts that wait for their first place."""
        rows = await self._connection.fetch(WAITING, *_columns(projects, 2))
        return [(row["tenant_id"], row["project_id"], row["id"]) for row in rows]

    async def doors_of(self, contacts: Collection[Contact]) -> list[Door]:
        """Return where those who wait are to begin, if that can be told; they are locked."""
        rows = await self._connection.fetch(
            DOORS, [tenant for tenant, _, _ in contacts], [each for *_, each in contacts]
        )
        return [
            Door(
                tenant_id=row["tenant_id"],
                project_id=row["project_id"],
                contact_id=row["id"],
                pipeline_id=row["pipeline_id"],
                status_id=row["status_id"],
            )
            for row in rows
        ]

    async def project_of(self, tenant_id: str, contact_id: str) -> str | None:
        """Return the project of a contact that people can see, None where there is none."""
        project: str | None = await self._connection.fetchval(PROJECT, tenant_id, contact_id)
        return project

    async def settle(self, contacts: Collection[Contact]) -> None:
        """Note that contacts wait no longer."""
        if contacts:
            ids = [each for *_, each in contacts]
            await self._connection.execute(SETTLE, [tenant for tenant, _, _ in contacts], ids)


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def _known(row: Mapping[str, Any]) -> KnownContact:
    snapshot = Snapshot(
        version=row["version"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        external_id=row["external_id"],
        language=row["language"],
        timezone=row["timezone"],
        source_channel=row["source_channel"],
        tags=tuple(row["tags"]),
        custom_fields=json.loads(row["custom_fields"]),
        opted_out=row["opted_out"],
        met_at=row["met_at"],
    )
    later = json.loads(row["later"])
    return KnownContact(
        tenant_id=row["tenant_id"],
        project_id=row["project_id"],
        id=row["id"],
        snapshot=snapshot if row["version"] else None,
        later_tags={key: TagChange(*change) for key, change in later.get("tags", {}).items()},
        later_fields={key: FieldChange(change[0], key, change[1]) for key, change in later.get("fields", {}).items()},
        life=LifeChange(row["life_version"], deleted=row["deleted"]),
    )


def _row(contact: KnownContact) -> tuple[Any, ...]:
    """Return the row. Tags and fields are stored with the later changes laid over them: laid once more, they are the same."""
    known = contact.snapshot or Snapshot(version=0, name="")
    later = {
        "tags": {key: [each.version, each.tag, each.present] for key, each in contact.later_tags.items()},
        "fields": {key: [each.version, each.value] for key, each in contact.later_fields.items()},
    }
    return (
        contact.tenant_id,
        contact.id,
        known.version,
        known.name if contact.snapshot else None,
        known.email,
        known.phone,
        known.external_id,
        known.language,
        known.timezone,
        known.source_channel,
        json.dumps(contact.tags),
        json.dumps(contact.custom_fields),
        known.opted_out,
        known.met_at,
        json.dumps({kind: changes for kind, changes in later.items() if changes}),
        contact.life.deleted,
        contact.life.version,
    )
