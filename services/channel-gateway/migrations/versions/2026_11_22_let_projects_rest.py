"""Know which projects rest: what is queued there waits."""

from postgres.migrating import run_sql
from postgres.walls import fence, finder_function, finder_may_read, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA, TABLE = "channel_gateway", "resting_projects"

# Of projects that have ever rested; a later version of what was said wins.
PROJECTS = """
create table channel_gateway.resting_projects (
    tenant_id uuid not null,
    project_id uuid not null,
    rests boolean not null,
    version int not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, project_id)
);
"""

_SIGNATURE, _RETURNS = "channels_to_serve(most int)", "table (tenant_id uuid, channel_id uuid)"
_NOT_RESTING = """ and not exists (select from channel_gateway.resting_projects r
            where r.tenant_id = c.tenant_id and r.project_id = c.project_id and r.rests)"""
_TO_SERVE = """
    select s.tenant_id, s.channel_id
    from channel_gateway.channel_senders s
    join channel_gateway.channels c on c.tenant_id = s.tenant_id and c.id = s.channel_id
    where (s.lease_until is null or s.lease_until < now()) and (
        exists (select from channel_gateway.send_attempts a
            where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id and a.state = 'sending')
        or (c.status = 'active' and c.deleted_at is null{} and coalesce(s.paused_until <= now(), true) and (
            exists (select from channel_gateway.send_attempts a
                where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id and a.state = 'pending' and a.due_at <= now())
            or exists (select from channel_gateway.send_attempts a
                where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id and a.repeat_at <= now()))))
    limit most
"""
_DROP = f"drop function {SCHEMA}.channels_to_serve(int);"


def upgrade() -> None:
    """Add the table; nobody rests yet, and an older release serves every channel on."""
    run_sql(PROJECTS + protect(SCHEMA, TABLE, rights="select, insert, update") + fence(SCHEMA, TABLE))
    run_sql(finder_may_read(SCHEMA, TABLE))
    run_sql(_DROP + finder_function(SCHEMA, _SIGNATURE, _RETURNS, _TO_SERVE.format(_NOT_RESTING)))


def downgrade() -> None:
    """Drop it: every channel is served."""
    run_sql(_DROP + finder_function(SCHEMA, _SIGNATURE, _RETURNS, _TO_SERVE.format("")))
    run_sql(f"drop table {SCHEMA}.{TABLE}")
