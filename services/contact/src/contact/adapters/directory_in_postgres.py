"""Contacts one at a time, for people and programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection

from contact.adapters.contact_rows import ONE
from contact.application.work import Addressed
from contact.domain.channel_identity import Identity
from contact.domain.contact import Details
from contact.domain.phone_number import phone_key
from contact.domain.search_text import folded, words_within
from contact.domain.tags import tag_key

# A list's best plan depends on what is asked for: a tag that one contact has, or all of them.
PLAN_FOR_VALUES = "set local plan_cache_mode = force_custom_plan"

TAKEN = """
select id::text from (
    select id from contacts where tenant_id = $1 and project_id = $2 and phone_key = $3
        and deleted_at is null and merged_into_id is null and erased_at is null
    union all
    select id from contacts where tenant_id = $1 and project_id = $2 and email = $4
        and deleted_at is null and merged_into_id is null and erased_at is null
    union all
    select id from contacts where tenant_id = $1 and project_id = $2 and external_id = $5
        and deleted_at is null and merged_into_id is null and erased_at is null
) held where id is distinct from $6::uuid order by id limit 1
"""

HOLDERS = """
select i.kind, i.value, i.channel_id::text, i.contact_id::text
from unnest($3::uuid[], $4::text[], $5::text[]) as w (channel_id, kind, value)
join channel_identities i on i.tenant_id = $1 and i.project_id = $2 and i.channel_id is not distinct from w.channel_id
    and i.kind = w.kind and i.value = w.value and i.ended_at is null
"""

ENTER = """
insert into contacts (tenant_id, id, project_id, name, name_source, name_folded, name_words, email, phone, phone_key, external_id,
    source_channel, language, timezone, tags, tag_keys, opted_out, opted_out_at, custom_fields, origin)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::boolean,
    case when $17::boolean then now() end, $18, 'api')
"""

LINK = """
insert into channel_identities (tenant_id, id, project_id, contact_id, channel_id, kind, value, match_key, evidence, first_seen_at,
    last_seen_at)
select $1, id, $2, $3, channel_id, kind, value, match_key, $4, now(), now()
from unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[]) as e (id, channel_id, kind, value, match_key)
"""

# Values of deleted definitions are not shown and stay: values are set and cleared one by one.
CHANGE = """
update contacts set name = $4, name_source = $5, name_folded = $6, name_words = $7, email = $8, phone = $9, phone_key = $10,
    external_id = $11, source_channel = $12, language = $13, timezone = $14, tags = $15, tag_keys = $16, opted_out = $17::boolean,
    opted_out_at = case when $17::boolean then coalesce(opted_out_at, now()) end,
    custom_fields = (custom_fields || $18::jsonb) - $19::text[], version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and version = $3 and deleted_at is null
returning id
"""

REMOVE = """
update contacts set deleted_at = now(), version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and version = $3 and deleted_at is null
returning id, tenant_id, project_id, version
"""


class DirectoryInPostgres:
    """People's side of the contact tables."""

    def __init__(self, connection: Connection, new_id: Callable[[], str]) -> None:
        self._connection = connection
        self._new_id = new_id

    async def plan_for_values(self) -> None:
        """Have the lists of this transaction planned for the values that they are asked with."""
        await self._connection.execute(PLAN_FOR_VALUES)

    async def get(self, tenant_id: str, contact_id: str) -> asyncpg.Record:
        """Return the row of a contact; raise not_found."""
        row = await self._connection.fetchrow(ONE, tenant_id, contact_id)
        if row is None:
            raise DomainError("not_found", "there is no such contact")
        return row

    async def taken_by(
        self,
        tenant_id: str,
        project_id: str,
        phone_key: str | None,
        email: str | None,
        external_id: str | None,
        except_id: str | None,
    ) -> str | None:
        """Return the id of another live contact that holds one of these."""
        found: str | None = await self._connection.fetchval(
            TAKEN, tenant_id, project_id, phone_key, email, external_id, except_id
        )
        return found

    async def holders_of(
        self, tenant_id: str, project_id: str, identities: Sequence[Addressed]
    ) -> Mapping[Addressed, str]:
        """Return the ids of the contacts that have live identities."""
        rows = await self._connection.fetch(
            HOLDERS,
            tenant_id,
            project_id,
            [channel_id for _, channel_id in identities],
            [identity.kind for identity, _ in identities],
            [identity.value for identity, _ in identities],
        )
        return {(Identity(row["kind"], row["value"]), row["channel_id"]): row["contact_id"] for row in rows}

    async def enter(self, tenant_id: str, project_id: str, details: Details) -> str:
        """Store a new contact; return its id."""
        contact_id = self._new_id()
        values = json.dumps(details.custom_fields)
        await self._connection.execute(ENTER, tenant_id, contact_id, project_id, *_columns(details), values)
        return contact_id

    async def link(
        self, tenant_id: str, project_id: str, contact_id: str, identities: Sequence[Addressed], *, evidence: str
    ) -> None:
        """Store identities that a person entered."""
        if identities:
            await self._connection.execute(
                LINK,
                tenant_id,
                project_id,
                contact_id,
                evidence,
                [self._new_id() for _ in identities],
                [channel_id for _, channel_id in identities],
                [identity.kind for identity, _ in identities],
                [identity.value for identity, _ in identities],
                [identity.match_key for identity, _ in identities],
            )

    async def change(
        self, tenant_id: str, contact_id: str, version: int, before: Details, after: Details
    ) -> asyncpg.Record:
        """Store changed details if the version is still that one, else raise conflict; return the row."""
        cleared = [key for key in before.custom_fields if key not in after.custom_fields]
        values = (*_columns(after), json.dumps(after.custom_fields), cleared)
        if await self._connection.fetchval(CHANGE, tenant_id, contact_id, version, *values) is None:
            raise DomainError("conflict", "somebody else changed the contact meanwhile")
        return await self.get(tenant_id, contact_id)

    async def remove(self, tenant_id: str, contact_id: str, version: int) -> asyncpg.Record:
        """Delete softly if the version is still that one, else raise conflict; return the row."""
        row = await self._connection.fetchrow(REMOVE, tenant_id, contact_id, version)
        if row is None:
            raise DomainError("conflict", "somebody else changed the contact meanwhile")
        return row

    def details_of(self, row: asyncpg.Record) -> Details:
        """Return the editable attributes of a row."""
        return Details(
            name=row["name"],
            name_source=row["name_source"],
            email=row["email"],
            phone=row["phone"],
            external_id=row["external_id"],
            source_channel=row["source_channel"],
            language=row["language"],
            timezone=row["timezone"],
            tags=tuple(row["tags"]),
            custom_fields=json.loads(row["custom_fields"]),
            opted_out=row["opted_out"],
        )


def _columns(details: Details) -> tuple[Any, ...]:
    return (
        details.name,
        details.name_source,
        folded(details.name),
        words_within(details.name),
        details.email,
        details.phone,
        phone_key(details.phone) if details.phone else None,
        details.external_id,
        details.source_channel,
        details.language,
        details.timezone,
        list(details.tags),
        [tag_key(tag) for tag in details.tags],
        details.opted_out,
    )
