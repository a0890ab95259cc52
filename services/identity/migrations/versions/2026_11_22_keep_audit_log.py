"""Create the audit log, which is only ever added to, by the month."""

from postgres.migrating import run_sql
from postgres.walls import fence, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = """
create table identity.audit_entries (
    tenant_id uuid not null,
    id uuid not null,
    -- null: of the whole tenant, as signing in is
    project_id uuid,
    -- when it was written, by the clock of whoever said so: the partitions are its months
    created_at timestamptz not null,
    -- which service said so
    source text not null,
    actor_kind text not null,
    actor_id uuid,
    -- as they were called when it was heard
    actor_name text,
    action text not null,
    object_type text not null,
    object_id text,
    changes jsonb not null,
    ip text,
    user_agent text,
    request_id uuid not null,
    correlation_id uuid not null,
    primary key (tenant_id, created_at, id)
) partition by range (created_at);
create index audit_by_actor on identity.audit_entries (tenant_id, actor_id, created_at, id);
create index audit_by_object on identity.audit_entries (tenant_id, object_id, created_at, id);
create index audit_by_object_type on identity.audit_entries (tenant_id, object_type, created_at, id);
create index audit_by_action on identity.audit_entries (tenant_id, action, created_at, id);
create table identity.audit_entries_default partition of identity.audit_entries default;
alter table identity.audit_entries_default enable row level security;
alter table identity.audit_entries_default force row level security;
"""

# Runs as the owner, since only the owner may make and drop tables; nobody gets it to drop what is younger than two years.
PARTITIONS = """
create function identity.keep_audit_partitions(months int) returns int
    language plpgsql security definer set search_path = identity, pg_temp as $keep$
declare
    this_month constant date := date_trunc('month', now() at time zone 'utc')::date;
    oldest constant text := 'audit_entries_m' || to_char(this_month - make_interval(months => greatest(months, 24)), 'YYYYMM');
    made int := 0;
    first date;
    partition text;
begin
    perform pg_advisory_xact_lock(hashtextextended('identity audit partitions', 0));
    for first in select this_month + make_interval(months => n) from generate_series(0, 2) as n loop
        partition := 'audit_entries_m' || to_char(first, 'YYYYMM');
        continue when to_regclass(partition) is not null;
        begin
            execute format('create table %I partition of audit_entries for values from (%L) to (%L)', partition,
                first::timestamp at time zone 'utc', (first + interval '1 month') at time zone 'utc');
            execute format('alter table %I enable row level security', partition);
            execute format('alter table %I force row level security', partition);
            made := made + 1;
        exception when check_violation then
            -- Nobody made it in time, and the default partition took that month's rows: they stay there.
            raise notice 'the default partition holds rows of %', partition;
        end;
    end loop;
    for partition in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit_entries'::regclass and c.relname ~ '^audit_entries_m[0-9]{6}$' and c.relname < oldest
    loop
        execute format('drop table %I', partition);
    end loop;
    return made;
end $keep$;
revoke all on function identity.keep_audit_partitions(int) from public;
grant execute on function identity.keep_audit_partitions(int) to identity_app;
select identity.keep_audit_partitions(24);
"""


def upgrade() -> None:
    """The table, and what makes its months."""
    run_sql(TABLE)
    run_sql(protect("identity", "audit_entries", rights="select, insert"))
    run_sql(fence("identity", "audit_entries"))
    run_sql(PARTITIONS)


def downgrade() -> None:
    """Drop the log."""
    run_sql("drop function identity.keep_audit_partitions(int); drop table identity.audit_entries")
