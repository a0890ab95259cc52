"""The audit log in Postgres: appended in one statement, whoever they are of; read as a list."""

import json
from collections.abc import Sequence

from postgres.database import Connection
from postgres.listing import Listing

from identity.application.audit_log import Entry

AUDIT_LOG = Listing(
    select="select * from audit_entries where tenant_id = $1",
    sorts={"created_at": "created_at timestamptz"},
    filters={
        "actor_id": "actor_id = {}::uuid",
        "action": "action = {}",
        "object_type": "object_type = {}",
        "object_id": "object_id = {}",
        "created_after": "created_at >= {}",
        "created_before": "created_at < {}",
    },
)

KEEP = """
insert into audit_entries (tenant_id, id, project_id, created_at, source, actor_kind, actor_id, actor_name, action, object_type,
    object_id, changes, ip, user_agent, request_id, correlation_id)
select n.tenant_id, n.id, n.project_id, n.created_at, n.source, n.actor_kind, n.actor_id, coalesce(u.name, k.name), n.action,
    n.object_type, n.object_id, n.changes, n.ip, n.user_agent, n.request_id, n.correlation_id
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[],
        $10::text[], $11::jsonb[], $12::text[], $13::text[], $14::uuid[], $15::uuid[])
    as n (tenant_id, id, project_id, created_at, source, actor_kind, actor_id, action, object_type, object_id, changes, ip, user_agent,
        request_id, correlation_id)
left join users u on n.actor_kind = 'user' and u.tenant_id = n.tenant_id and u.id = n.actor_id
left join api_keys k on n.actor_kind = 'api_key' and k.tenant_id = n.tenant_id and k.id = n.actor_id
"""


class AuditLogInPostgres:
    """The log, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Add entries."""
        rows = [
            (
                each.tenant_id,
                each.id,
                each.project_id,
                each.created_at,
                each.source,
                each.actor_kind,
                each.actor_id,
                each.action,
                each.object_type,
                each.object_id,
                json.dumps(each.changes),
                each.ip,
                each.user_agent,
                each.request_id,
                each.correlation_id,
            )
            for each in entries
        ]
        await self._connection.execute(KEEP, *zip(*rows, strict=True))
