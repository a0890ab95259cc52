"""The tags of many contacts at once, in Postgres: two statements for a change of any size."""

import json
from collections.abc import Sequence

from postgres.database import Connection
from postgres.listing import Listing

from contact.domain.tags import TaggedContact, tag_key

# Locked in the order of their ids, so that two changes wait for each other instead of deadlocking.
HOLD = """
select c.tenant_id::text, c.project_id::text, c.id::text, c.version, c.tags, c.merged_into_id is not null
from (select distinct * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, project_id, id)) wanted
join contacts c on c.tenant_id = wanted.tenant_id and c.project_id = wanted.project_id and c.id = wanted.id
    and c.deleted_at is null and c.erased_at is null
order by c.tenant_id, c.id
for no key update of c
"""

KEEP = """
update contacts c set tags = array(select jsonb_array_elements_text(k.tags)),
    tag_keys = array(select jsonb_array_elements_text(k.tag_keys)), version = k.version, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::jsonb[], $5::jsonb[]) as k (tenant_id, id, version, tags, tag_keys)
where c.tenant_id = k.tenant_id and c.id = k.id
"""

# As it is spelled on the oldest contact that carries it.
TAGS = Listing(
    select="""
select * from (
    select md5(k.tag_key)::uuid as id, k.tag_key, k.contact_count, (
        select t.tag from contact_tags t where t.tenant_id = $1 and t.project_id = $2 and t.tag_key = k.tag_key
        order by t.contact_id limit 1
    ) as tag
    from (
        select tag_key, count(*) as contact_count from contact_tags
        where tenant_id = $1 and project_id = $2 and tag_key >= $3 and tag_key < $4 group by tag_key
    ) k
) t where true
""",
    sorts={"name": "tag_key text", "contact_count": "contact_count bigint"},
)

# Counted no further than it matters.
RAREST = """
select key from unnest($3::text[]) as wanted (key)
order by (
    select count(*) from (
        select from contact_tags where tenant_id = $1 and project_id = $2 and tag_key = wanted.key limit 5000
    ) carried
), key
limit 1
"""


class TagsInPostgres:
    """The tags in the contact table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hold(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], TaggedContact]:
        """Lock the live contacts among `wanted` (tenant, project, contact); return them by these."""
        rows = await self._connection.fetch(
            HOLD,
            [tenant_id for tenant_id, _, _ in wanted],
            [project_id for _, project_id, _ in wanted],
            [contact_id for _, _, contact_id in wanted],
        )
        return {
            (tenant, project, id): TaggedContact(tenant, project, id, version, tuple(tags), merged)
            for tenant, project, id, version, tags, merged in rows
        }

    async def keep(self, changed: Sequence[TaggedContact]) -> None:
        """Store tags and versions."""
        if changed:
            await self._connection.execute(
                KEEP,
                [contact.tenant_id for contact in changed],
                [contact.id for contact in changed],
                [contact.version for contact in changed],
                [json.dumps(contact.tags) for contact in changed],
                [json.dumps([tag_key(tag) for tag in contact.tags]) for contact in changed],
            )

    async def rarest(self, tenant_id: str, project_id: str, keys: Sequence[str]) -> str:
        """Return the tag that the fewest contacts carry: where all are asked for, it is the one to look up."""
        found: str = await self._connection.fetchval(RAREST, tenant_id, project_id, list(keys))
        return found
