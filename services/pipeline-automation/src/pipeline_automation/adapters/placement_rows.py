"""Placements as people read them: boards, where a contact stands, where it stood, and what a pipeline's statuses did."""

from postgres.listing import Listing

_PLACEMENT = """
    p.id, p.tenant_id, p.project_id, p.version, p.created_at, p.updated_at, p.contact_id, p.pipeline_id, p.status_id,
    s.name as status_name, p.entered_at, p.exited_at,
    extract(epoch from coalesce(p.exited_at, now()) - p.entered_at)::bigint as duration_seconds, p.value_amount, p.currency,
    p.lost_reason, p.notes, p.changed_by, p.reason
"""

# Cards: the order of names knows no nulls, so that a cursor can stand anywhere.
BOARD = Listing(
    select=f"""
select * from (
    select {_PLACEMENT}, c.name as contact_name, c.email as contact_email, c.phone as contact_phone, c.tags as contact_tags,
        lower(coalesce(c.name, '')) as name_order
    from placements p
    join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id
    join contacts c on c.tenant_id = p.tenant_id and c.id = p.contact_id and not c.deleted
    where p.tenant_id = $1 and p.pipeline_id = $2 and p.exited_at is null
) p where true
""",
    sorts={"entered_at": "entered_at timestamptz", "name": "name_order text"},
    filters={
        "status_id": "status_id = {}::uuid",
        "entered_after": "entered_at >= {}",
        "entered_before": "entered_at < {}",
    },
)

STANDING = Listing(
    select=f"""
select * from (
    select {_PLACEMENT} from placements p join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id
    where p.tenant_id = $1 and p.contact_id = $2 and p.exited_at is null
) p where true
""",
    sorts={"entered_at": "entered_at timestamptz"},
    filters={"pipeline_id": "pipeline_id = {}::uuid"},
)

HISTORY = Listing(
    select="""
select * from (
    select p.id, p.pipeline_id, p.from_status_id, p.status_id as to_status_id, p.changed_by, p.reason, p.entered_at as changed_at,
        extract(epoch from p.exited_at - p.entered_at)::bigint as duration_seconds
    from placements p where p.tenant_id = $1 and p.contact_id = $2
) p where true
""",
    sorts={"changed_at": "changed_at timestamptz"},
    filters={"pipeline_id": "pipeline_id = {}::uuid"},
)

# Of those who left a status in that time: how many went on to a later one or to a won one.
STATS = """
select s.id as status_id, s.name, s.status_type,
    count(p.id) filter (where p.exited_at is null) as count,
    count(p.id) filter (where p.entered_at >= $3 and p.entered_at < $4) as entered,
    count(p.id) filter (where p.exited_at >= $3 and p.exited_at < $4) as "left",
    avg(extract(epoch from p.exited_at - p.entered_at)) filter (where p.exited_at >= $3 and p.exited_at < $4)::float8
        as average_seconds,
    count(p.id) filter (
        where p.exited_at >= $3 and p.exited_at < $4 and (n.status_type = 'won' or (n.status_type <> 'lost' and n.position > s.position))
    ) as went_on
from statuses s
left join (
    select p.* from placements p join contacts c on c.tenant_id = p.tenant_id and c.id = p.contact_id and not c.deleted
) p on p.tenant_id = s.tenant_id and p.pipeline_id = s.pipeline_id and p.status_id = s.id
left join lateral (
    select t.status_type, t.position from placements l join statuses t on t.tenant_id = l.tenant_id and t.id = l.status_id
    where p.exited_by is null and l.tenant_id = p.tenant_id and l.contact_id = p.contact_id and l.pipeline_id = p.pipeline_id
        and l.entered_at = p.exited_at
) n on true
where s.tenant_id = $1 and s.pipeline_id = $2 and s.deleted_at is null
group by s.tenant_id, s.id
order by s.position
"""
