"""Pipelines and statuses as people read them. Deleted contacts are not counted: people do not see them."""

from postgres.listing import Listing

STATUS_COLUMNS = """
    s.id, s.tenant_id, s.project_id, s.version, s.created_at, s.updated_at, s.deleted_at, s.pipeline_id, s.name, s.description, s.color,
    s.status_type, s.position, s.active, (
        select count(*) from placements l join contacts c on c.tenant_id = l.tenant_id and c.id = l.contact_id and not c.deleted
        where l.tenant_id = s.tenant_id and l.pipeline_id = s.pipeline_id and l.status_id = s.id and l.exited_at is null
    ) as contact_count
"""

COLUMNS = (
    """
    p.id, p.tenant_id, p.project_id, p.version, p.created_at, p.updated_at, p.deleted_at, p.name, p.name_key, p.description, p.color,
    p.position, p.active, p.is_default, p.session_timeout_minutes, p.enable_ai_summary, (
        select count(*) from placements l join contacts c on c.tenant_id = l.tenant_id and c.id = l.contact_id and not c.deleted
        where l.tenant_id = p.tenant_id and l.pipeline_id = p.id and l.exited_at is null
    ) as contact_count, (
        select coalesce(jsonb_agg(to_jsonb(s) order by s.position), '[]')::text from (
            select """
    + STATUS_COLUMNS
    + """ from statuses s where s.tenant_id = p.tenant_id and s.pipeline_id = p.id and s.deleted_at is null
        ) s
    ) as statuses
"""
)

PIPELINES = Listing(
    select=f"""
select * from (select {COLUMNS} from pipelines p where p.tenant_id = $1 and p.project_id = $2) p where true
""",
    sorts={"position": "position int", "name": "name_key text", "created_at": "created_at timestamptz"},
    filters={
        "active": "active = {}",
        "name": "strpos(name_key, {}) > 0",
        "color": "color = any({}::text[])",
    },
    live="deleted_at is null",
)

# The name weighs more than the description, a beginning more than a middle.
FOUND = Listing(
    select=f"""
select * from (
    select {COLUMNS}, case strpos(p.name_key, $3) when 0 then 1.2 when 1 then 3 else 1.5 end::float8 as match_score,
        case strpos(p.name_key, $3) when 0 then 'description' else 'name' end as match_field
    from pipelines p
    where p.tenant_id = $1 and p.project_id = $2 and p.deleted_at is null
        and (strpos(p.name_key, $3) > 0 or strpos(lower(p.description), $3) > 0)
) p where true
""",
    sorts={"relevance": "match_score float8"},
)

ONE = f"select {COLUMNS} from pipelines p where p.tenant_id = $1 and p.id = $2 and p.deleted_at is null"

ONE_STATUS = f"""
select {STATUS_COLUMNS} from statuses s where s.tenant_id = $1 and s.pipeline_id = $2 and s.id = $3 and s.deleted_at is null
"""

PROJECT = "select project_id::text from pipelines where tenant_id = $1 and id = $2 and deleted_at is null"
