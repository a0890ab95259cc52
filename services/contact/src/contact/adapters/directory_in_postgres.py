"""Contacts one at a time and in lists, for people and programs."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from contact.domain.channel_identity import Identity
from contact.domain.contact import Details
from contact.domain.phone_number import phone_key
from contact.domain.search_text import folded

_IDENTITIES = """(select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'contact_id', i.contact_id, 'channel_id', i.channel_id,
    'kind', i.kind, 'value', i.value, 'evidence', i.evidence, 'verified', i.verified, 'first_seen_at', i.first_seen_at,
    'last_seen_at', i.last_seen_at) order by i.first_seen_at, i.id), '[]')::text
    from channel_identities i where i.tenant_id = c.tenant_id and i.contact_id = c.id and i.ended_at is null) as identities"""

_COLUMNS = (
    """c.tenant_id, c.id, c.project_id, c.version, c.created_at, c.updated_at, c.deleted_at, c.name, c.name_source, c.email,
    c.phone, c.external_id, c.source_channel, c.language, c.timezone, c.tags, c.custom_fields, c.opted_out, c.opted_out_at, c.origin,
    c.first_interaction_at, c.last_interaction_at, c.merged_into_id, c.name_folded,
    coalesce(c.last_interaction_at, '1970-01-01 00:00:00+00') as interaction_sort, """
    + _IDENTITIES
)

CONTACTS = Listing(
    select="select * from (select " + _COLUMNS + " from contacts c"
    " where c.tenant_id = $1 and c.project_id = $2 and c.deleted_at is null and c.merged_into_id is null) c where true",
    sorts={
        "created_at": "created_at timestamptz",
        "updated_at": "updated_at timestamptz",
        "name": "name_folded text",
        "last_interaction_at": "interaction_sort timestamptz",
    },
    filters={
        "name": "name_folded like {}",
        "phone": "phone = {}",
        "email": "email = {}",
        "external_id": "external_id = {}",
        "tags": "exists (select from unnest(tags) t where lower(t) = any({}::text[]))",
        "tags_all": "{}::text[] <@ (select array_agg(lower(t)) from unnest(tags) t)",
        "source_channel": "source_channel = any({}::text[])",
        "channel_id": "exists (select from channel_identities i where i.tenant_id = c.tenant_id and i.contact_id = c.id"
        " and i.channel_id = {}::uuid and i.ended_at is null)",
        "opted_out": "opted_out = {}",
        "created_after": "created_at >= {}",
        "created_before": "created_at < {}",
        "updated_after": "updated_at >= {}",
        "updated_before": "updated_at < {}",
        "last_interaction_after": "last_interaction_at >= {}",
        "last_interaction_before": "last_interaction_at < {}",
    },
)

GET = "select " + _COLUMNS + " from contacts c where c.tenant_id = $1 and c.id = $2 and c.deleted_at is null"

TAKEN = """
select id::text from contacts where tenant_id = $1 and project_id = $2 and deleted_at is null and merged_into_id is null
    and erased_at is null and (phone_key = $3 or email = $4 or external_id = $5) and id is distinct from $6::uuid
order by id limit 1
"""

HOLDER = """
select contact_id::text from channel_identities where tenant_id = $1 and project_id = $2
    and channel_id is not distinct from $3::uuid and kind = $4 and value = $5 and ended_at is null
"""

ENTER = """
insert into contacts (tenant_id, id, project_id, name, name_source, name_folded, email, phone, phone_key, external_id, source_channel,
    language, timezone, tags, custom_fields, opted_out, opted_out_at, origin)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::boolean,
    case when $16::boolean then now() end, 'api')
"""

ENTER_IDENTITIES = """
insert into channel_identities (tenant_id, id, project_id, contact_id, channel_id, kind, value, match_key, evidence, first_seen_at,
    last_seen_at)
select $1, id, $2, $3, channel_id, kind, value, match_key, $4, now(), now()
from unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[]) as e (id, channel_id, kind, value, match_key)
"""

CHANGE = """
update contacts set name = $4, name_source = $5, name_folded = $6, email = $7, phone = $8, phone_key = $9, external_id = $10,
    source_channel = $11, language = $12, timezone = $13, tags = $14, custom_fields = $15, opted_out = $16::boolean,
    opted_out_at = case when $16::boolean then coalesce(opted_out_at, now()) end, version = version + 1, updated_at = now()
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

    async def get(self, tenant_id: str, contact_id: str) -> asyncpg.Record:
        """Return the row of a contact; raise not_found."""
        row = await self._connection.fetchrow(GET, tenant_id, contact_id)
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

    async def holder_of(
        self, tenant_id: str, project_id: str, channel_id: str | None, identity: Identity
    ) -> str | None:
        """Return the id of the contact that has a live identity."""
        found: str | None = await self._connection.fetchval(
            HOLDER, tenant_id, project_id, channel_id, identity.kind, identity.value
        )
        return found

    async def enter(
        self,
        tenant_id: str,
        project_id: str,
        details: Details,
        identities: Sequence[tuple[Identity, str | None]],
        *,
        evidence: str,
    ) -> asyncpg.Record:
        """Store a new contact; return its row."""
        contact_id = self._new_id()
        await self._connection.execute(ENTER, tenant_id, contact_id, project_id, *_values(details))
        if identities:
            await self._connection.execute(
                ENTER_IDENTITIES,
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
        return await self.get(tenant_id, contact_id)

    async def change(self, tenant_id: str, contact_id: str, version: int, details: Details) -> asyncpg.Record:
        """Store changed details if the version is still that one, else raise conflict; return the row."""
        if await self._connection.fetchval(CHANGE, tenant_id, contact_id, version, *_values(details)) is None:
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


def _values(details: Details) -> tuple[Any, ...]:
    return (
        details.name,
        details.name_source,
        folded(details.name),
        details.email,
        details.phone,
        phone_key(details.phone) if details.phone else None,
        details.external_id,
        details.source_channel,
        details.language,
        details.timezone,
        list(details.tags),
        json.dumps(details.custom_fields or {}),
        details.opted_out,
    )
