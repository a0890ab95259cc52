"""Create sessions, and the tables that every service has."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "session"

SESSIONS = """
create table session.sessions (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    chat_key text not null,
    contact_id uuid not null,
    channel_id uuid not null,
    channel_type text not null,
    pipeline_id uuid,
    origin text not null constraint sessions_origin check (origin in ('inbound', 'manual', 'history')),
    status text not null constraint sessions_status check (status in ('active', 'ended')),
    end_reason text constraint sessions_end_reason check (end_reason in ('inactivity_timeout', 'manual_close',
        'contact_request', 'agent_close', 'system_close', 'saga_rollback', 'resolved', 'transferred', 'escalated')),
    started_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    ended_unanswered boolean not null default false,
    close_notes text,
    last_activity_at timestamptz not null,
    -- What is indexed must not change with every message, or each of them rewrites every index (measured: 42 µs a message against
    -- 22). So lists by activity find the hour by index and sort within it,
    last_activity_hour timestamptz not null
        generated always as (date_bin('1 hour', last_activity_at, timestamptz '2000-01-01 00:00:00+00')) stored,
    timeout_minutes int not null constraint sessions_timeout_minutes check (timeout_minutes between 1 and 1440),
    timeout_at timestamptz not null,
    -- and whoever looks for what is due looks here: never after the deadline, and moved on to it by that look, not by messages.
    check_at timestamptz not null,
    message_count int not null,
    messages_from_contact int not null,
    messages_from_agent int not null,
    unread_count int not null,
    first_message_at timestamptz,
    last_message_at timestamptz,
    first_contact_message_at timestamptz,
    first_agent_response_at timestamptz,
    first_human_response_at timestamptz,
    waiting_since timestamptz,
    contact_wait_ms bigint not null,
    resolved boolean not null default false,
    resolved_at timestamptz,
    escalated boolean not null default false,
    escalated_at timestamptz,
    primary key (tenant_id, id),
    constraint sessions_ended_at check ((status = 'ended') = (ended_at is not null)),
    constraint sessions_ended_for_a_reason check ((status = 'ended') = (end_reason is not null)),
    constraint sessions_end_after_start check (ended_at >= started_at),
    constraint sessions_deadline check (timeout_at > last_activity_at),
    constraint sessions_checked_in_time check (check_at <= timeout_at),
    constraint sessions_counts check (message_count = messages_from_contact + messages_from_agent)
) with (fillfactor = 70);
-- At most one open session for each chat.
create unique index sessions_open on session.sessions (tenant_id, chat_key) where status = 'active';
-- Lists, in the direction in which they are read.
create index sessions_by_start on session.sessions (tenant_id, project_id, started_at desc, id desc);
create index sessions_by_contact on session.sessions (tenant_id, contact_id, started_at desc, id desc);
create index sessions_by_activity on session.sessions (tenant_id, project_id, last_activity_hour desc);
-- What is due is looked for across tenants.
create index sessions_due on session.sessions (check_at) where status = 'active';
"""


def upgrade() -> None:
    """Start with an empty schema."""
    run_sql(outbox_tables(SCHEMA) + TABLE_SQL(SCHEMA) + SESSIONS + protect(SCHEMA, "sessions"))


def downgrade() -> None:
    """Leave an empty schema."""
    run_sql("""
    drop table session.sessions;
    drop function session.tenants_with_old_idempotency_keys(timestamptz);
    drop table session.idempotency_keys;
    """)
    run_sql(drop_outbox_tables("session"))
