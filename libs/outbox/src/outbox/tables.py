"""The tables that every service embeds, as SQL for its first migration.

A change of these is a migration in every service; two releases of a service work on them side by side, so it must be additive.
"""

from postgres.walls import TENANT_WALL, WALL_OF_MANY


def outbox_tables(schema: str) -> str:
    """Return the statements that create outbox, inbox and parked events of `schema`."""
    return _TABLES.format(schema=schema, wall=TENANT_WALL, wall_of_many=WALL_OF_MANY) + _PARTITIONS.replace(
        "{schema}", schema
    )


_TABLES = """
-- What one transaction said of one type and partition is one row (contracts.bundles), whichever tenants it speaks of: the unit in which
-- it is published and met by an inbox. Partitions by range of the UUIDv7 id: a unique key must hold the partition's column, and a time
-- column would let one id pass twice.
create sequence {schema}.outbox_seq;
create table {schema}.outbox_bundles (
    seq bigint not null default nextval('{schema}.outbox_seq'),
    id uuid not null,
    tenant_ids uuid[] not null check (cardinality(tenant_ids) > 0),
    type text not null,
    routing_key text not null,
    events int not null check (events > 0),
    -- packed as it is published: outbox.said opens it. What cannot be compressed grows by some bytes
    body bytea storage external not null check (octet_length(body) <= 266240),
    created_at timestamptz not null default now(),
    primary key (id)
) partition by range (id);
create table {schema}.outbox_bundles_default partition of {schema}.outbox_bundles default;

-- What the broker has not confirmed yet, in the order in which it was said. The bundles themselves are only ever appended: marking
-- them would write them twice (measured: docs/decisions/0001). Holds nothing of anybody's, so it needs no wall but rights.
create table {schema}.outbox_pending (
    seq bigint primary key,
    bundle_id uuid not null,
    routing_key text not null,
    events int not null,
    created_at timestamptz not null default now()
);

alter table {schema}.outbox_bundles enable row level security;
alter table {schema}.outbox_bundles force row level security;
create policy tenant_wall on {schema}.outbox_bundles to {schema}_app using ({wall_of_many}) with check ({wall_of_many});
create policy relay_reads on {schema}.outbox_bundles for select to {schema}_relay using (true);
grant select, insert on {schema}.outbox_bundles to {schema}_app;
grant usage on sequence {schema}.outbox_seq to {schema}_app;
grant select on {schema}.outbox_bundles to {schema}_relay;

alter table {schema}.outbox_pending enable row level security;
alter table {schema}.outbox_pending force row level security;
create policy says on {schema}.outbox_pending for insert to {schema}_app with check (true);
create policy relay_takes on {schema}.outbox_pending to {schema}_relay using (true);
create policy finder_reads on {schema}.outbox_pending for select to {schema}_finder using (true);
grant insert on {schema}.outbox_pending to {schema}_app;
grant select, delete on {schema}.outbox_pending to {schema}_relay;
grant select on {schema}.outbox_pending to {schema}_finder;

-- What each consumer has met: whole bundles by their id, and where one had to be cut because an event in it was poisonous, the bundle as
-- `in_pieces` and each of its events by its own. Ids alone, which are nobody's.
create table {schema}.inbox_bundles (
    id uuid not null,
    consumer text not null,
    in_pieces boolean not null default false,
    received_at timestamptz not null default now(),
    primary key (id, consumer)
) partition by range (id);
create table {schema}.inbox_bundles_default partition of {schema}.inbox_bundles default;
alter table {schema}.inbox_bundles enable row level security;
alter table {schema}.inbox_bundles force row level security;
create policy meets on {schema}.inbox_bundles to {schema}_app using (true) with check (true);
grant select, insert on {schema}.inbox_bundles to {schema}_app;

create table {schema}.parked_events (
    id uuid primary key,
    tenant_id uuid,
    project_id uuid,
    consumer text not null,
    event_id uuid not null,
    event_type text,
    event_version int,
    subject text,
    reason text not null,
    delivery_id uuid,
    error text not null,
    attempts int not null default 1,
    first_failed_at timestamptz not null default now(),
    parked_at timestamptz not null default now(),
    status text not null default 'parked' check (status in ('parked', 'redriven', 'discarded')),
    redriven_at timestamptz,
    discarded_at timestamptz,
    discarded_by text,
    discard_reason text,
    traceparent text,
    event bytea not null,
    unique nulls not distinct (tenant_id, consumer, event_id)
);
create index parked_waiting on {schema}.parked_events (tenant_id, parked_at desc, id desc);

-- Bytes that name no tenant may be parked by anybody and seen by operators only, through the finder's policy.
alter table {schema}.parked_events enable row level security;
alter table {schema}.parked_events force row level security;
create policy tenant_wall on {schema}.parked_events to {schema}_app using ({wall}) with check ({wall});
create policy nobodys_bytes on {schema}.parked_events for insert to {schema}_app with check (tenant_id is null);
create policy finder_reads on {schema}.parked_events for select to {schema}_finder using (true);
grant select, insert, update on {schema}.parked_events to {schema}_app;
grant select on {schema}.parked_events to {schema}_finder;
"""

_PARTITIONS = """
-- Weekly partitions, made ahead and dropped whole. Runs as the owner, since only the owner may make and drop tables; the service
-- calls it once a day. A week is a multiple of 604,800,000 ms; the first 48 bits of a UUIDv7 are milliseconds.
create function {schema}.keep_partitions(outbox_days int, inbox_days int) returns int
    language plpgsql security definer set search_path = {schema}, pg_temp as $keep$
declare
    week constant bigint := 604800000;
    this_week constant bigint := floor(extract(epoch from now()) * 1000)::bigint / week;
    made int := 0;
    parent text;
    days int;
    number bigint;
    partition text;
begin
    perform pg_advisory_xact_lock(hashtextextended('{schema} partitions', 0));
    foreach parent in array array['outbox_bundles', 'inbox_bundles'] loop
        days := case parent when 'outbox_bundles' then greatest(outbox_days, 1) else greatest(inbox_days, 14) end;
        for number in this_week .. this_week + 2 loop
            partition := format('%s_w%s', parent, number);
            if to_regclass(partition) is null then
                execute format('create table %I partition of %I for values from (%L) to (%L)', partition, parent,
                    id_at(number * week), id_at((number + 1) * week));
                execute format('alter table %I enable row level security', partition);
                execute format('alter table %I force row level security', partition);
                made := made + 1;
            end if;
        end loop;
        for partition in
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = to_regclass(parent) and c.relname ~ ('^' || parent || '_w[0-9]+$')
                and (substring(c.relname from '[0-9]+$')::bigint + 1) * week
                    < floor(extract(epoch from now()) * 1000)::bigint - days * 86400000::bigint
        loop
            execute format('drop table %I', partition);
        end loop;
    end loop;
    return made;
end $keep$;
-- How long the oldest pending event and the oldest parked one have waited, whoever they belong to: numbers only, for readiness.
create function {schema}.backlog() returns table (outbox_age_s float, parked_age_s float)
    language sql stable security definer set search_path = {schema}, pg_temp as $backlog$
    select
        coalesce((select extract(epoch from now() - created_at) from {schema}.outbox_pending order by seq limit 1), 0)::float,
        coalesce((select extract(epoch from now() - min(parked_at)) from {schema}.parked_events where status = 'parked'), 0)::float
$backlog$;
revoke all on function {schema}.backlog() from public;
grant execute on function {schema}.backlog() to {schema}_app;
alter function {schema}.backlog() owner to {schema}_finder;
create function {schema}.id_at(milliseconds bigint) returns uuid language sql immutable
    as $id$ select (lpad(to_hex(milliseconds), 12, '0') || repeat('0', 20))::uuid $id$;
-- Without statistics the planner takes the tenant for the best key there is and reads all of a tenant's rows for each row of a batch
-- (measured: 200 ms a batch instead of 4). Autovacuum looks once a minute by default, which a fresh installation does not have.
create function {schema}.keep_statistics() returns int
    language plpgsql security definer set search_path = {schema}, pg_temp as $keep$
declare
    grown record;
    analysed int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('{schema} statistics', 0)) then
        return 0;
    end if;
    for grown in
        -- not pg_stat_user_tables, which counts all tables of the database first
        select c.relname from pg_class c
        where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r'
            -- found by their key alone, and full of bodies
            and c.relname !~ '^(outbox|inbox|inbound|parked|delivery|idempotency)_'
            -- grown to twice of what the planner believes; what merely changes is left to the server's own analysing
            and pg_stat_get_live_tuples(c.oid) between greatest(200, 2 * c.reltuples) and 1000000
        order by c.relname
    loop
        execute format('analyze %I', grown.relname);
        analysed := analysed + 1;
    end loop;
    return analysed;
end $keep$;
revoke all on function {schema}.keep_statistics() from public;
grant execute on function {schema}.keep_statistics() to {schema}_app;
revoke all on function {schema}.keep_partitions(int, int) from public;
grant execute on function {schema}.keep_partitions(int, int) to {schema}_app;
alter table {schema}.outbox_bundles_default enable row level security;
alter table {schema}.outbox_bundles_default force row level security;
alter table {schema}.inbox_bundles_default enable row level security;
alter table {schema}.inbox_bundles_default force row level security;
select {schema}.keep_partitions(30, 14);
"""


def drop_outbox_tables(schema: str) -> str:
    """Return the statements that take all of it back."""
    return f"""
drop function {schema}.backlog(), {schema}.keep_statistics(), {schema}.keep_partitions(int, int), {schema}.id_at(bigint);
drop table {schema}.parked_events, {schema}.inbox_bundles, {schema}.outbox_pending, {schema}.outbox_bundles;
drop sequence {schema}.outbox_seq;
"""
