"""Contacts as we know them, in Postgres, set-based. The tenant travels with every row: a batch holds many."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from postgres.database import Connection

from pipeline_automation.application.work import Contact, Project
from pipeline_automation.domain.known_contact import (
    Entrance,
    FieldChange,
    KnownContact,
    LifeChange,
    Snapshot,
    TagChange,
)

COLUMNS = """tenant_id, id, project_id, version, name, email, phone, external_id, language, timezone, source_channel, tags,
    custom_fields, opted_out, met_at, later, deleted, life_version, channel_id, first_place"""
_ROWS = f"""
select tenant_id, id, project_id, version, name, email, phone, external_id, language, timezone, source_channel,
    array(select jsonb_array_elements_text(tags)) as tags, custom_fields, opted_out, met_at, later, deleted, life_version, channel_id,
    first_place
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::jsonb[], $13::jsonb[], $14::boolean[], $15::timestamptz[], $16::jsonb[], $17::boolean[], $18::int[],
    $19::uuid[], $20::text[]) as r ({COLUMNS})
"""

KNOWN = f"""
select {COLUMNS} from contacts c
join unnest($1::uuid[], $2::uuid[]) as w (w_tenant_id, w_id) on c.tenant_id = w_tenant_id and c.id = w_id
order by c.tenant_id, c.id
for update of c
"""

# Whoever is beaten by somebody else who heard of the same contact is told so: the whole batch is repeated, and knows it then.
ADD = f"insert into contacts ({COLUMNS}) {_ROWS} order by tenant_id, id"

CHANGE = f"""
update contacts c set version = r.version, name = r.name, email = r.email, phone = r.phone, external_id = r.external_id,
    language = r.language, timezone = r.timezone, source_channel = r.source_channel, tags = r.tags, custom_fields = r.custom_fields,
    opted_out = r.opted_out, met_at = r.met_at, later = r.later, deleted = r.deleted, life_version = r.life_version,
    channel_id = r.channel_id, first_place = r.first_place, updated_at = now()
from ({_ROWS}) r where c.tenant_id = r.tenant_id and c.id = r.id
"""

# The update changes nothing that matters: it locks the row and shows it as it is now, whoever made it.
UNHEARD_OF = """
insert into contacts (tenant_id, id, project_id)
select tenant_id, id, project_id from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as met (tenant_id, project_id, id)
order by tenant_id, id
on conflict (tenant_id, id) do update set updated_at = now()
returning tenant_id::text, id::text, version = 0 and not deleted as unheard_of
"""

_LOCK_PROJECTS = """
select {lock}(key) from (
    select distinct hashtextextended('who waits in ' || tenant_id || ' ' || project_id, 0) as key
    from unnest($1::text[], $2::text[]) as w (tenant_id, project_id) order by key
) keys
"""
BEGIN_TO_WAIT = _LOCK_PROJECTS.format(lock="pg_advisory_xact_lock_shared")
LOOK_FOR_WHO_WAITS = _LOCK_PROJECTS.format(lock="pg_advisory_xact_lock")

WAITING = """
select c.tenant_id::text, c.project_id::text, c.id::text, c.channel_id::text
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, project_id)
join contacts c on c.tenant_id = w.tenant_id and c.project_id = w.project_id and c.first_place = 'waiting' and not c.deleted
"""

PROJECT = "select project_id::text from contacts where tenant_id = $1 and id = $2 and not deleted"


class ContactsInPostgres:
    """The projection of contacts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[str, str], tuple[Any, ...]] = {}
        """Rows as they were read."""

    async def known(self, keys: Collection[Contact]) -> Mapping[Contact, KnownContact]:
        """Return the contacts of which we have heard, locked until the end of the transaction."""
        if not keys:
            return {}
        rows = await self._connection.fetch(KNOWN, [tenant for tenant, _, _ in keys], [id for *_, id in keys])
        found = {(contact.tenant_id, contact.id): contact for contact in map(_known, rows)}
        self._found |= {key: _row(contact) for key, contact in found.items()}
        return {key: contact for key in keys if (contact := found.get((key[0], key[2]))) is not None}

    async def keep(self, contacts: Collection[KnownContact]) -> None:
        """Store contacts that are new, and what changed of those that were known; a unique violation where others were faster."""
        new = [_row(each) for each in contacts if each.new]
        rows = [_row(each) for each in contacts if not each.new]
        changed = [row for row in rows if row != self._found[row[0], row[1]]]
        for statement, stored in ((ADD, new), (CHANGE, changed)):
            if stored:
                await self._connection.execute(statement, *map(list, zip(*stored, strict=True)))

    async def unheard_of(self, keys: Collection[Contact]) -> set[Contact]:
        """Return the contacts of which no event has told, and let them exist; all are locked until the end of the transaction."""
        rows = await self._connection.fetch(UNHEARD_OF, *_columns(keys, 3))
        found = {(row["tenant_id"], row["id"]) for row in rows if row["unheard_of"]}
        return {key for key in keys if (key[0], key[2]) in found}

    async def begin_to_wait(self, projects: Collection[Project]) -> None:
        """Let transactions that look for those who wait in these projects come before or after this one, never at once."""
        await self._connection.execute(BEGIN_TO_WAIT, *_columns(projects, 2))

    async def waiting_in(self, projects: Collection[Project]) -> Mapping[Contact, Entrance]:
        """Return the contacts that wait for their first place, and how we met them; none is locked, and nobody else begins to wait."""
        await self._connection.execute(LOOK_FOR_WHO_WAITS, *_columns(projects, 2))
        rows = await self._connection.fetch(WAITING, *_columns(projects, 2))
        return {
            (row["tenant_id"], row["project_id"], row["id"]): (row["tenant_id"], row["project_id"], row["channel_id"])
            for row in rows
        }

    async def project_of(self, tenant_id: str, contact_id: str) -> str | None:
        """Return the project of a contact that people can see, None where there is none."""
        project: str | None = await self._connection.fetchval(PROJECT, tenant_id, contact_id)
        return project


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
        tenant_id=str(row["tenant_id"]),
        project_id=str(row["project_id"]),
        id=str(row["id"]),
        snapshot=snapshot if row["version"] else None,
        later_tags={key: TagChange(*change) for key, change in later.get("tags", {}).items()},
        later_fields={key: FieldChange(change[0], key, change[1]) for key, change in later.get("fields", {}).items()},
        life=LifeChange(row["life_version"], deleted=row["deleted"]),
        channel_id=None if row["channel_id"] is None else str(row["channel_id"]),
        first_place=row["first_place"],
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
        contact.project_id,
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
        contact.channel_id,
        contact.first_place,
    )
