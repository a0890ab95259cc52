"""Definitions of custom fields in Postgres."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from contact.domain.custom_field import Definition

COLUMNS = """tenant_id, id, project_id, version, created_at, updated_at, deleted_at, key, label, type, required, options, default_value,
    description, system"""

FIELDS = Listing(
    select=f"select {COLUMNS} from custom_fields where tenant_id = $1 and project_id = $2",
    sorts={"key": "key text", "created_at": "created_at timestamptz"},
    filters={"type": "type = any({}::text[])", "system": "system = {}"},
    live="deleted_at is null",
)

OF_PROJECT = (
    f"select {COLUMNS} from custom_fields where tenant_id = $1 and project_id = $2 and deleted_at is null order by key"
)

ONE = (
    f"select {COLUMNS} from custom_fields where tenant_id = $1 and project_id = $2 and key = $3 and deleted_at is null"
)

# Two who define at once wait for each other: what they count would not be true otherwise.
HOLD_PROJECT = "select pg_advisory_xact_lock(hashtextextended('custom fields of ' || $1 || ' ' || $2, 0))"

PREVIOUS_TYPE = """
select type from custom_fields where tenant_id = $1 and project_id = $2 and key = $3 and deleted_at is not null
order by deleted_at desc limit 1
"""

DEFINE = f"""
insert into custom_fields (tenant_id, id, project_id, key, type, label, required, options, default_value, description)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
returning {COLUMNS}
"""

REDEFINE = f"""
update custom_fields set label = $4, required = $5, options = $6, default_value = $7, description = $8, version = version + 1,
    updated_at = now()
where tenant_id = $1 and id = $2 and version = $3 and deleted_at is null
returning {COLUMNS}
"""

REMOVE = f"""
update custom_fields set deleted_at = now(), version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and version = $3 and deleted_at is null
returning {COLUMNS}
"""


class FieldsInPostgres:
    """The table of definitions."""

    def __init__(self, connection: Connection, new_id: Callable[[], str]) -> None:
        self._connection = connection
        self._new_id = new_id

    async def of_project(self, tenant_id: str, project_id: str) -> Mapping[str, Definition]:
        """Return the definitions of a project by their keys."""
        rows = await self._connection.fetch(OF_PROJECT, tenant_id, project_id)
        return {row["key"]: self.definition_of(row) for row in rows}

    async def get(self, tenant_id: str, project_id: str, key: str) -> asyncpg.Record:
        """Return the row of a definition; raise not_found."""
        row = await self._connection.fetchrow(ONE, tenant_id, project_id, key)
        if row is None:
            raise DomainError("not_found", "there is no such custom field")
        return row

    async def hold(self, tenant_id: str, project_id: str) -> None:
        """Wait for whoever else defines fields in the project."""
        await self._connection.execute(HOLD_PROJECT, tenant_id, project_id)

    async def previous_type(self, tenant_id: str, project_id: str, key: str) -> str | None:
        """Return the type that a deleted definition of that key had."""
        found: str | None = await self._connection.fetchval(PREVIOUS_TYPE, tenant_id, project_id, key)
        return found

    async def add(self, tenant_id: str, project_id: str, definition: Definition) -> asyncpg.Record:
        """Store a new definition; return its row."""
        values = (definition.key, definition.type, definition.label, *_changeable(definition))
        return await self._connection.fetchrow(DEFINE, tenant_id, self._new_id(), project_id, *values)

    async def redefine(self, tenant_id: str, field_id: str, version: int, definition: Definition) -> asyncpg.Record:
        """Store a changed definition; return its row."""
        values = (definition.label, *_changeable(definition))
        return _found(await self._connection.fetchrow(REDEFINE, tenant_id, field_id, version, *values))

    async def remove(self, tenant_id: str, field_id: str, version: int) -> asyncpg.Record:
        """Delete softly; return the row."""
        return _found(await self._connection.fetchrow(REMOVE, tenant_id, field_id, version))

    def definition_of(self, row: asyncpg.Record) -> Definition:
        """Return the definition that a row holds."""
        return Definition(
            key=row["key"],
            label=row["label"],
            type=row["type"],
            required=row["required"],
            options=tuple(row["options"]),
            default_value=None if row["default_value"] is None else json.loads(row["default_value"]),
            description=row["description"],
        )


def _changeable(definition: Definition) -> tuple[Any, ...]:
    default = None if definition.default_value is None else json.dumps(definition.default_value)
    return definition.required, list(definition.options), default, definition.description


def _found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise DomainError("conflict", "somebody else changed the custom field meanwhile")
    return row
