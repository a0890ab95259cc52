"""Create pipelines and placements, what is known of others' things, and the tables that every service has."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "pipeline_automation"

# What others own, as far as pipelines and rules need it.
PROJECTIONS = """
create table pipeline_automation.projects (
    tenant_id uuid not null,
    id uuid not null,
    version int not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    language text not null,
    timezone text not null,
    default_pipeline_id uuid not null,
    primary key (tenant_id, id)
);
create table pipeline_automation.channels (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    -- 0: only its deletion was heard of
    version int not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text,
    type text,
    pipeline_id uuid,
    deleted boolean not null default false,
    primary key (tenant_id, id),
    check (deleted or (version > 0 and name is not null and type is not null))
);
create index channels_of_pipeline on pipeline_automation.channels (tenant_id, pipeline_id) where not deleted;
create table pipeline_automation.contacts (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    -- of the newest snapshot; 0: we know that there is such a contact, and no more
    version int not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text,
    email text,
    phone text,
    external_id text,
    language text,
    timezone text,
    source_channel text,
    tags text[] not null default '{}',
    custom_fields jsonb not null default '{}',
    opted_out boolean not null default false,
    met_at timestamptz,
    -- changes of single tags and fields that are newer than the snapshot
    later jsonb not null default '{}',
    deleted boolean not null default false,
    life_version int not null default 0,
    -- through which channel we met, and whether it has its first place already
    channel_id uuid,
    first_place text not null default 'unmet' check (first_place in ('unmet', 'waiting', 'settled')),
    primary key (tenant_id, id),
    check (version = 0 or name is not null)
);
create index contacts_waiting on pipeline_automation.contacts (tenant_id, project_id) where first_place = 'waiting';
"""

PIPELINES = """
create table pipeline_automation.pipelines (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    name text not null,
    -- without case: for uniqueness, searching and sorting, made by the application
    name_key text not null,
    description text,
    color text not null check (color ~ '^#[0-9A-F]{6}$'),
    position int not null check (position >= 0),
    active boolean not null default true,
    is_default boolean not null default false,
    session_timeout_minutes int check (session_timeout_minutes between 1 and 1440),
    enable_ai_summary boolean not null default false,
    primary key (tenant_id, id),
    -- the end of the transaction counts: reordering passes through states where two share a position
    exclude using btree (tenant_id with =, project_id with =, position with =) where (deleted_at is null)
        deferrable initially deferred
);
create unique index pipelines_by_name on pipeline_automation.pipelines (tenant_id, project_id, name_key) where deleted_at is null;
create unique index pipelines_default on pipeline_automation.pipelines (tenant_id, project_id) where is_default and deleted_at is null;
create table pipeline_automation.statuses (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    pipeline_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    name text not null,
    name_key text not null,
    description text,
    color text not null check (color ~ '^#[0-9A-F]{6}$'),
    status_type text not null check (status_type in ('open', 'active', 'won', 'lost')),
    position int not null check (position >= 0),
    active boolean not null default true,
    primary key (tenant_id, id),
    foreign key (tenant_id, pipeline_id) references pipeline_automation.pipelines (tenant_id, id),
    exclude using btree (tenant_id with =, pipeline_id with =, position with =) where (deleted_at is null)
        deferrable initially deferred
);
create unique index statuses_by_name on pipeline_automation.statuses (tenant_id, pipeline_id, name_key) where deleted_at is null;
"""

# One row per stay in a status. A closed one is history.
PLACEMENTS = """
create table pipeline_automation.placements (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    contact_id uuid not null,
    pipeline_id uuid not null,
    status_id uuid not null,
    from_status_id uuid,
    entered_at timestamptz not null,
    exited_at timestamptz,
    changed_by text not null,
    reason text,
    notes text,
    lost_reason text,
    value_amount bigint check (value_amount >= 0),
    currency text check (currency in ('BRL', 'USD', 'EUR', 'GBP')),
    -- who took the contact out of the pipeline; null where it moved on
    exited_by text,
    exit_reason text,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references pipeline_automation.contacts (tenant_id, id),
    foreign key (tenant_id, pipeline_id) references pipeline_automation.pipelines (tenant_id, id),
    foreign key (tenant_id, status_id) references pipeline_automation.statuses (tenant_id, id),
    check (exited_at >= entered_at),
    check ((value_amount is null) = (currency is null)),
    check (exited_by is null or exited_at is not null)
);
create unique index placements_open on pipeline_automation.placements (tenant_id, contact_id, pipeline_id) where exited_at is null;
create index placements_on_board on pipeline_automation.placements (tenant_id, pipeline_id, status_id, entered_at, id)
    where exited_at is null;
create index placements_history on pipeline_automation.placements (tenant_id, contact_id, entered_at, id);
"""

TABLES = ("projects", "channels", "contacts", "pipelines", "statuses", "placements")


def upgrade() -> None:
    """Everything that pipelines need."""
    run_sql(outbox_tables(SCHEMA) + TABLE_SQL(SCHEMA))
    run_sql(PROJECTIONS + PIPELINES + PLACEMENTS)
    run_sql("".join(protect(SCHEMA, table) for table in TABLES))


def downgrade() -> None:
    """Leave an empty schema."""
    run_sql("".join(f"drop table {SCHEMA}.{table};" for table in reversed(TABLES)))
    run_sql(f"""
    drop function {SCHEMA}.tenants_with_old_idempotency_keys(timestamptz);
    drop table {SCHEMA}.idempotency_keys;
    """)
    run_sql(drop_outbox_tables(SCHEMA))
