"""Keep the feed of events: what other services said in public, in one order for each tenant, for 30 days."""

from postgres.migrating import run_sql
from postgres.walls import fence, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# `place` tells when an entry was taken in: milliseconds since 1970, shifted by 20 bits, and a number within the millisecond. So a day is
# a range of places, and a day that is over is dropped whole. `data` is what the speaker wrote, unread.
ENTRIES = """
create table pipeline_automation.feed_entries (
    tenant_id uuid not null,
    place bigint not null,
    event_id uuid not null,
    project_id uuid,
    correlation_id uuid not null,
    causation_id uuid,
    contact_id uuid,
    session_id uuid,
    chat_id uuid,
    channel_id uuid,
    occurred_at timestamptz not null,
    type text not null,
    subject text not null,
    actor text not null,
    data text not null,
    primary key (tenant_id, place)
) partition by range (place);
create index feed_entries_by_event on pipeline_automation.feed_entries (tenant_id, event_id);
create index feed_entries_of_contact on pipeline_automation.feed_entries (tenant_id, contact_id, place) where contact_id is not null;
create table pipeline_automation.feed_entries_default partition of pipeline_automation.feed_entries default;
alter table pipeline_automation.feed_entries_default enable row level security;
alter table pipeline_automation.feed_entries_default force row level security;
"""

# Whoever takes places holds the lock until its transaction ends: places are given in the order in which they become visible, so nobody who
# reads on from a place misses one that commits late (docs/decisions/0021). A transaction that fails leaves a gap and nothing else.
PLACES = """
create sequence pipeline_automation.feed_places;
grant select, update on sequence pipeline_automation.feed_places to pipeline_automation_app;
create function pipeline_automation.take_feed_places(entries int) returns bigint
    language plpgsql set search_path = pipeline_automation, pg_temp as $take$
declare
    first bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('pipeline_automation feed', 0));
    select greatest(last_value + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint << 20) into first from feed_places;
    perform setval('feed_places', first + entries - 1);
    return first;
end $take$;
revoke all on function pipeline_automation.take_feed_places(int) from public;
grant execute on function pipeline_automation.take_feed_places(int) to pipeline_automation_app;
"""

# Runs as the owner, since only the owner may make and drop tables; nobody gets it to drop what is younger than 30 days.
DAYS = """
create function pipeline_automation.keep_feed_days(days int) returns int
    language plpgsql security definer set search_path = pipeline_automation, pg_temp as $keep$
declare
    day constant bigint := 86400000;
    today constant bigint := floor(extract(epoch from now()) * 1000)::bigint / day;
    made int := 0;
    number bigint;
    partition text;
begin
    perform pg_advisory_xact_lock(hashtextextended('pipeline_automation feed days', 0));
    for number in today .. today + 3 loop
        partition := format('feed_entries_d%s', number);
        continue when to_regclass(partition) is not null;
        begin
            execute format('create table %I partition of feed_entries for values from (%s) to (%s)', partition,
                (number * day) << 20, ((number + 1) * day) << 20);
            execute format('alter table %I enable row level security', partition);
            execute format('alter table %I force row level security', partition);
            made := made + 1;
        exception when check_violation then
            -- Nobody made it in time, and the default partition took that day's rows: they stay there.
            raise notice 'the default partition holds rows of %', partition;
        end;
    end loop;
    for partition in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'feed_entries'::regclass and c.relname ~ '^feed_entries_d[0-9]+$'
            and substring(c.relname from '[0-9]+$')::bigint < today - greatest(days, 30)
    loop
        execute format('drop table %I', partition);
    end loop;
    return made;
end $keep$;
revoke all on function pipeline_automation.keep_feed_days(int) from public;
grant execute on function pipeline_automation.keep_feed_days(int) to pipeline_automation_app;
select pipeline_automation.keep_feed_days(30);
"""


def upgrade() -> None:
    """The table behind wall and fence, its places, and what makes its days."""
    run_sql(ENTRIES)
    run_sql(protect("pipeline_automation", "feed_entries", rights="select, insert"))
    run_sql(fence("pipeline_automation", "feed_entries"))
    run_sql(PLACES + DAYS)


def downgrade() -> None:
    """Drop the feed."""
    run_sql(
        "drop function pipeline_automation.keep_feed_days(int), pipeline_automation.take_feed_places(int);"
        " drop sequence pipeline_automation.feed_places; drop table pipeline_automation.feed_entries"
    )
