"""Channels one at a time and in lists, for people and programs."""

import json
from collections.abc import Mapping
from typing import Any

from postgres.database import Connection
from postgres.listing import Listing

from channel_gateway.adapters.receiving_channels_in_postgres import receiving_channel
from channel_gateway.domain.receiving_channel import ReceivingChannel

Row = Mapping[str, Any]

_COLUMNS = """c.tenant_id, c.id, c.project_id, c.version, c.created_at, c.updated_at, c.deleted_at, c.name, c.type,
    c.external_id, c.connection_mode, c.status, c.status_reason, c.last_connected_at, c.last_error, c.last_error_at,
    c.created_by, c.base_url, c.provider_session, c.engine, c.import_strategy, c.credential_id, c.webhook_id,
    c.webhook_credential_id, c.webhook_active, c.webhook_configured_at, c.pipeline_id,
    c.default_session_timeout_minutes, c.allow_groups, c.tracking_enabled, c.ai_enabled, c.ai_agents_enabled,
    c.default_agent_id, c.debounce_timeout_ms, c.messaging_window_hours, c.pace, c.ai_content,
    c.history_import_enabled, c.history_import_max_days, c.history_import_max_messages_per_chat,
    a.messages_received, a.messages_sent, a.last_message_at,
    coalesce(a.last_message_at, '1970-01-01 00:00:00+00') as last_message_sort"""

_FROM = " from channels c join channel_activity a on a.tenant_id = c.tenant_id and a.channel_id = c.id"

CHANNELS = Listing(
    select=f"select * from (select {_COLUMNS}{_FROM} where c.tenant_id = $1 and c.project_id = $2) c where true",
    sorts={
        "name": "name text",
        "created_at": "created_at timestamptz",
        "last_message_at": "last_message_sort timestamptz",
    },
    filters={
        "type": "type = any({}::text[])",
        "status": "status = any({}::text[])",
        "active": "(status = 'active') = {}",
        "pipeline_id": "pipeline_id = {}::uuid",
    },
    live="deleted_at is null",
)

GET = (
    f"select {_COLUMNS}{_FROM} where c.tenant_id = $1 and c.id = $2"
    " and ($3::uuid is null or c.project_id = $3) and c.deleted_at is null"
)
HOLDING = (
    "select id::text from channels where tenant_id = $1 and base_url = $2 and provider_session = $3"
    " and deleted_at is null"
)
REMOVE = (
    "update channels set deleted_at = now(), updated_at = now(), version = version + 1, status = 'inactive',"
    " webhook_active = false, credential_id = null, webhook_credential_id = null where tenant_id = $1 and id = $2"
)
START_ACTIVITY = "insert into channel_activity (tenant_id, channel_id) values ($1, $2)"

_WRITABLE = frozenset(
    (
        "tenant_id",
        "id",
        "project_id",
        "name",
        "type",
        "created_by",
        "base_url",
        "provider_session",
        "import_strategy",
        "credential_id",
        "webhook_id",
        "webhook_credential_id",
        "webhook_active",
        "webhook_configured_at",
        "pipeline_id",
        "default_session_timeout_minutes",
        "allow_groups",
        "tracking_enabled",
        "ai_enabled",
        "ai_agents_enabled",
        "default_agent_id",
        "debounce_timeout_ms",
        "messaging_window_hours",
        "pace",
        "ai_content",
        "history_import_enabled",
        "history_import_max_days",
        "history_import_max_messages_per_chat",
    )
)
_JSON = ("pace", "ai_content")


class ChannelsInPostgres:
    """The channel tables inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, tenant_id: str, channel_id: str, project_id: str | None) -> Row | None:
        """Return a living channel."""
        return await self._one(GET, tenant_id, channel_id, project_id)

    async def get_for_change(self, tenant_id: str, channel_id: str, project_id: str | None) -> Row | None:
        """Return a living channel, which nobody else changes until the transaction ends."""
        return await self._one(GET + " for update of c", tenant_id, channel_id, project_id)

    async def holding(self, tenant_id: str, base_url: str, session: str) -> str | None:
        """Return the id of the living channel at that provider session."""
        found: str | None = await self._connection.fetchval(HOLDING, tenant_id, base_url, session)
        return found

    async def keep(self, channel: Mapping[str, Any]) -> Row:
        """Store a new one."""
        names = _names(channel)
        places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        # Names come from the closed set above.
        statement = f"insert into channels ({', '.join(names)}) values ({places})"
        await self._connection.execute(statement, *_values(channel, names))
        await self._connection.execute(START_ACTIVITY, channel["tenant_id"], channel["id"])
        return await self._present(channel["tenant_id"], channel["id"])

    async def change(self, tenant_id: str, channel_id: str, changes: Mapping[str, Any]) -> Row:
        """Set fields and count the version up."""
        names = _names(changes)
        settings = "".join(f"{name} = ${number}, " for number, name in enumerate(names, start=3))
        # Names come from the closed set above.
        statement = (
            f"update channels set {settings}version = version + 1, updated_at = now() where tenant_id = $1 and id = $2"
        )
        await self._connection.execute(statement, tenant_id, channel_id, *_values(changes, names))
        return await self._present(tenant_id, channel_id)

    async def remove(self, tenant_id: str, channel_id: str) -> None:
        """Make it invisible and let go of its secrets."""
        await self._connection.execute(REMOVE, tenant_id, channel_id)

    async def receiving(self, tenant_id: str, channel_id: str) -> ReceivingChannel | None:
        """Return a living channel as the door sees it, without keys."""
        row = await self._one(GET, tenant_id, channel_id, None)
        return None if row is None else receiving_channel(row)

    async def _present(self, tenant_id: str, channel_id: str) -> Row:
        row = await self._one(GET, tenant_id, channel_id, None)
        assert row is not None
        return row

    async def _one(self, statement: str, *parameters: Any) -> Row | None:
        row = await self._connection.fetchrow(statement, *parameters)
        return None if row is None else readable(row)


def readable(row: Row) -> dict[str, Any]:
    """Return a row with its JSON columns read."""
    return {**dict(row.items()), **{name: json.loads(row[name]) for name in _JSON}}


def _names(fields: Mapping[str, Any]) -> list[str]:
    unknown = fields.keys() - _WRITABLE
    if unknown:
        raise ValueError(f"no columns of a channel: {', '.join(sorted(unknown))}")
    return list(fields)


def _values(fields: Mapping[str, Any], names: list[str]) -> list[Any]:
    return [json.dumps(fields[name]) if name in _JSON else fields[name] for name in names]
