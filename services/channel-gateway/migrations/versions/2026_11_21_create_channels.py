"""Create channels, their credentials, and what their webhooks brought."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import finder_function, finder_may_read, protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "channel_gateway"

CREDENTIALS = """
create table channel_gateway.credentials (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    type text not null,
    name text not null,
    description text,
    -- AES-256-GCM over tenant and row id as associated data; key_id names the key of ENCRYPTION_AES_KEY
    key_id text not null,
    nonce bytea not null check (octet_length(nonce) = 12),
    ciphertext bytea not null,
    active boolean not null default true,
    expires_at timestamptz,
    last_used_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);
"""

CHANNELS = """
create table channel_gateway.channels (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    name text not null,
    type text not null,
    external_id text,
    connection_mode text not null default 'auto' check (connection_mode in ('manual', 'auto')),
    status text not null default 'inactive'
        check (status in ('inactive', 'activating', 'connecting', 'active', 'disconnected', 'error')),
    status_reason text,
    last_connected_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    created_by text not null,
    base_url text not null,
    provider_session text not null check (provider_session ~ '^[a-zA-Z0-9_-]{1,54}$'),
    engine text,
    import_strategy text not null default 'none' check (import_strategy in ('none', 'new_only', 'all')),
    credential_id uuid,
    webhook_id uuid not null,
    webhook_credential_id uuid,
    webhook_active boolean not null default false,
    webhook_configured_at timestamptz,
    pipeline_id uuid,
    default_session_timeout_minutes int check (default_session_timeout_minutes between 1 and 1440),
    allow_groups boolean not null default false,
    tracking_enabled boolean not null default true,
    ai_enabled boolean not null default false,
    ai_agents_enabled boolean not null default false,
    default_agent_id uuid,
    debounce_timeout_ms int not null default 15000 check (debounce_timeout_ms between 0 and 300000),
    messaging_window_hours int check (messaging_window_hours between 1 and 168),
    pace jsonb not null default '{}',
    ai_content jsonb not null default '{}',
    history_import_enabled boolean not null default false,
    history_import_max_days int check (history_import_max_days > 0),
    history_import_max_messages_per_chat int check (history_import_max_messages_per_chat > 0),
    primary key (tenant_id, id),
    foreign key (tenant_id, credential_id) references channel_gateway.credentials (tenant_id, id),
    foreign key (tenant_id, webhook_credential_id) references channel_gateway.credentials (tenant_id, id),
    check (ai_enabled or not ai_agents_enabled)
);
create unique index channels_by_provider_session on channel_gateway.channels (tenant_id, base_url, provider_session)
    where deleted_at is null;
-- Not behind the tenant: a webhook names nothing else. Unguessable (UUIDv4), and nobody chooses it.
create unique index channels_by_webhook on channel_gateway.channels (webhook_id);
create index channels_by_session_name on channel_gateway.channels (provider_session) where deleted_at is null;
create index channels_newest on channel_gateway.channels (tenant_id, project_id, created_at desc, id desc);
create index channels_by_name on channel_gateway.channels (tenant_id, project_id, name, id);

-- What the door counts, beside the channel and not in it: whoever edits a channel must not hold up its webhooks.
create table channel_gateway.channel_activity (
    tenant_id uuid not null,
    channel_id uuid not null,
    messages_received bigint not null default 0,
    messages_sent bigint not null default 0,
    last_message_at timestamptz,
    last_event_at timestamptz,
    primary key (tenant_id, channel_id),
    foreign key (tenant_id, channel_id) references channel_gateway.channels (tenant_id, id)
) with (fillfactor = 50);
"""

DELIVERIES = """
-- Not partitioned: a key must hold for longer (14 days) than the raw rows (7 days).
create table channel_gateway.delivery_keys (
    tenant_id uuid not null,
    channel_id uuid not null,
    dedupe_key text not null,
    received_at timestamptz not null,
    primary key (tenant_id, channel_id, dedupe_key)
);
create index delivery_keys_by_age on channel_gateway.delivery_keys (received_at);

create table channel_gateway.inbound_deliveries (
    tenant_id uuid not null,
    -- UUIDv7, minted on receipt: the partitions are its days
    id uuid not null,
    project_id uuid not null,
    channel_id uuid not null,
    webhook_id uuid not null,
    received_at timestamptz not null,
    state text not null check (state in ('applied', 'duplicate', 'ignored', 'kept', 'parked')),
    reason text,
    provider_event text,
    provider_event_id text,
    provider_session text,
    engine text,
    dedupe_key text,
    headers jsonb not null,
    raw bytea not null,
    primary key (tenant_id, id)
) partition by range (id);
-- Bodies hold the same things several times over, but the server's own compression costs more CPU than the whole rest of
-- the statement: a faster one, or none for a week.
do $raw$ begin
    alter table channel_gateway.inbound_deliveries alter column raw set compression lz4;
exception when feature_not_supported then
    alter table channel_gateway.inbound_deliveries alter column raw set storage external;
end $raw$;
create index deliveries_newest on channel_gateway.inbound_deliveries (tenant_id, channel_id, received_at desc, id desc);
"""

PARTITIONS = """
create table channel_gateway.inbound_deliveries_default partition of channel_gateway.inbound_deliveries default;
alter table channel_gateway.inbound_deliveries_default enable row level security;
alter table channel_gateway.inbound_deliveries_default force row level security;

-- Daily partitions, made ahead and dropped whole. Runs as the owner, since only the owner may make and drop tables.
create function channel_gateway.keep_delivery_partitions(days int) returns int
    language plpgsql security definer set search_path = channel_gateway, pg_temp as $keep$
declare
    day constant bigint := 86400000;
    today constant bigint := floor(extract(epoch from now()) * 1000)::bigint / day;
    made int := 0;
    number bigint;
    partition text;
begin
    perform pg_advisory_xact_lock(hashtextextended('channel_gateway delivery partitions', 0));
    for number in today .. today + 7 loop
        partition := format('inbound_deliveries_d%s', number);
        continue when to_regclass(partition) is not null;
        begin
            execute format('create table %I partition of inbound_deliveries for values from (%L) to (%L)', partition,
                id_at(number * day), id_at((number + 1) * day));
            execute format('alter table %I enable row level security', partition);
            execute format('alter table %I force row level security', partition);
            made := made + 1;
        exception when check_violation then
            -- Nobody made it in time, and the default partition took that day's rows: they are deleted by age.
            raise notice 'the default partition holds rows of %', partition;
        end;
    end loop;
    for partition in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'inbound_deliveries'::regclass and c.relname ~ '^inbound_deliveries_d[0-9]+$'
            and substring(c.relname from '[0-9]+$')::bigint < today - greatest(days, 1)
    loop
        execute format('drop table %I', partition);
    end loop;
    return made;
end $keep$;
revoke all on function channel_gateway.keep_delivery_partitions(int) from public;
grant execute on function channel_gateway.keep_delivery_partitions(int) to channel_gateway_app;
select channel_gateway.keep_delivery_partitions(7);
"""

_RECEIVING = """
    select c.tenant_id, c.project_id, c.id, c.webhook_id, c.type, c.provider_session, c.engine, c.allow_groups,
        c.pipeline_id, c.default_session_timeout_minutes, c.tracking_enabled, c.ai_agents_enabled,
        c.debounce_timeout_ms, c.default_agent_id, k.id, k.key_id, k.nonce, k.ciphertext
    from channel_gateway.channels c
    join channel_gateway.credentials k on k.tenant_id = c.tenant_id and k.id = c.webhook_credential_id and k.active
    where c.deleted_at is null and
"""
_COLUMNS = (
    "table (tenant_id uuid, project_id uuid, id uuid, webhook_id uuid, type text, provider_session text, engine text,"
    " allow_groups boolean, pipeline_id uuid, default_session_timeout_minutes int, tracking_enabled boolean,"
    " ai_agents_enabled boolean, debounce_timeout_ms int, default_agent_id uuid, credential_id uuid, key_id text,"
    " nonce bytea, ciphertext bytea)"
)

# What must be known before a tenant is: whose webhook it is, whose row is old, which keys the secrets lie under.
FINDERS = (
    finder_may_read(SCHEMA, "channels")
    + finder_may_read(SCHEMA, "credentials")
    + finder_may_read(SCHEMA, "delivery_keys")
    + finder_may_read(SCHEMA, "inbound_deliveries")
    + finder_function(SCHEMA, "channel_of_webhook(wanted uuid)", _COLUMNS, f"{_RECEIVING} c.webhook_id = wanted")
    + finder_function(
        SCHEMA,
        "channels_of_session(wanted text)",
        _COLUMNS,
        f"{_RECEIVING} c.provider_session = wanted order by c.tenant_id, c.id limit 200",
    )
    + finder_function(
        SCHEMA,
        "secrets_by_key()",
        "table (key_id text, tenant_id uuid, id uuid, nonce bytea, ciphertext bytea)",
        "select distinct on (k.key_id) k.key_id, k.tenant_id, k.id, k.nonce, k.ciphertext"
        " from channel_gateway.credentials k order by k.key_id",
    )
    + finder_function(
        SCHEMA,
        "tenants_with_old_deliveries(keys_before timestamptz, rows_before timestamptz)",
        "setof uuid",
        "select k.tenant_id from channel_gateway.delivery_keys k where k.received_at < keys_before"
        " union select d.tenant_id from channel_gateway.inbound_deliveries d"
        " where d.id < channel_gateway.id_at(floor(extract(epoch from rows_before) * 1000)::bigint)"
        " and d.tableoid = 'channel_gateway.inbound_deliveries_default'::regclass limit 1000",
    )
)


def upgrade() -> None:
    """Everything that the service keeps."""
    run_sql(outbox_tables(SCHEMA))
    run_sql(TABLE_SQL(SCHEMA))
    run_sql(CREDENTIALS + protect(SCHEMA, "credentials"))
    run_sql(
        CHANNELS
        + protect(SCHEMA, "channels", rights="select, insert, update")
        + protect(SCHEMA, "channel_activity", rights="select, insert, update")
    )
    run_sql(
        DELIVERIES
        + protect(SCHEMA, "delivery_keys", rights="select, insert, delete")
        + protect(SCHEMA, "inbound_deliveries", rights="select, insert, update (state, reason), delete")
        + PARTITIONS
    )
    run_sql(FINDERS)


def downgrade() -> None:
    """Drop it all; the schema itself belongs to the installation."""
    run_sql(
        """
        drop function channel_gateway.channel_of_webhook(uuid), channel_gateway.channels_of_session(text),
            channel_gateway.secrets_by_key(),
            channel_gateway.tenants_with_old_deliveries(timestamptz, timestamptz);
        drop function channel_gateway.keep_delivery_partitions(int);
        drop table channel_gateway.inbound_deliveries, channel_gateway.delivery_keys,
            channel_gateway.channel_activity, channel_gateway.channels, channel_gateway.credentials;
        drop function channel_gateway.tenants_with_old_idempotency_keys(timestamptz);
        drop table channel_gateway.idempotency_keys;
        """
    )
    run_sql(drop_outbox_tables("channel_gateway"))
