"""What rules know of contacts, in one statement for a batch of any size."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from postgres.database import Connection

from pipeline_automation.domain.facts import CONTACT, KnownToRules, Standing

KNOWN = """
select c.tenant_id::text, c.id::text, c.version > 0 as known, c.name, c.email, c.phone, c.language, c.timezone, c.source_channel,
    c.tags, c.met_at, c.opted_out, c.custom_fields, c.deleted,
    (select coalesce(jsonb_object_agg(p.pipeline_id, jsonb_build_array(p.status_id, p.entered_at, p.value_amount, l.name, s.name)),
            '{}')::text
        from placements p
        join pipelines l on l.tenant_id = p.tenant_id and l.id = p.pipeline_id
        join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id
        where p.tenant_id = c.tenant_id and p.contact_id = c.id and p.exited_at is null) as standings
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
join contacts c on c.tenant_id = w.tenant_id and c.id = w.id
"""


class RuleFactsInPostgres:
    """Contacts and where they stand."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of(self, contacts: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], KnownToRules]:
        """Return what is known of contacts (tenant, contact); those never heard of are missing."""
        asked = sorted(contacts)
        if not asked:
            return {}
        rows = await self._connection.fetch(KNOWN, [tenant for tenant, _ in asked], [contact for _, contact in asked])
        return {(row["tenant_id"], row["id"]): _known(row) for row in rows}


def _known(row: Mapping[str, Any]) -> KnownToRules:
    values = {name: row[name] for name in CONTACT if name in row.keys() and name != "id"}  # noqa: SIM118 - a record
    return KnownToRules(
        values={**values, "tags": list(row["tags"]), "created_at": row["met_at"]},
        custom=json.loads(row["custom_fields"]),
        standings={pipeline_id: _standing(*stay) for pipeline_id, stay in json.loads(row["standings"]).items()},
        known=row["known"],
        deleted=row["deleted"],
    )


def _standing(status_id: str, entered_at: str, value: int | None, pipeline: str, status: str) -> Standing:
    return Standing(
        status_id=status_id,
        entered_at=datetime.fromisoformat(entered_at),
        pipeline_name=pipeline,
        status_name=status,
        value=value,
    )
