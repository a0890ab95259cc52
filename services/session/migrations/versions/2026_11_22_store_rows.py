"""Let a batch of sessions come as rows: one value for each, not one array for each column."""

from postgres.migrating import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A type cannot grow while an older release still fills it: who needs another column makes another type.
TYPES = """
create type session.changed_session as (
    tenant_id uuid,
    id uuid,
    status text,
    end_reason text,
    ended_at timestamptz,
    ended_by text,
    ended_unanswered boolean,
    last_activity_at timestamptz,
    timeout_at timestamptz,
    messages_from_contact int,
    messages_from_agent int,
    unread_count int,
    first_message_at timestamptz,
    last_message_at timestamptz,
    first_contact_message_at timestamptz,
    first_agent_response_at timestamptz,
    first_human_response_at timestamptz,
    waiting_since timestamptz,
    contact_wait_ms bigint,
    -- as text: of an array within a row, asyncpg would ask of each number whether it is an array, too
    talk text
);
create type session.begun_session as (
    tenant_id uuid,
    id uuid,
    status text,
    end_reason text,
    ended_at timestamptz,
    ended_by text,
    ended_unanswered boolean,
    last_activity_at timestamptz,
    timeout_at timestamptz,
    messages_from_contact int,
    messages_from_agent int,
    unread_count int,
    first_message_at timestamptz,
    last_message_at timestamptz,
    first_contact_message_at timestamptz,
    first_agent_response_at timestamptz,
    first_human_response_at timestamptz,
    waiting_since timestamptz,
    contact_wait_ms bigint,
    talk text,
    project_id uuid,
    chat_key text,
    contact_id uuid,
    channel_id uuid,
    channel_type text,
    pipeline_id uuid,
    started_at timestamptz,
    timeout_minutes int
);
"""


def upgrade() -> None:
    """Add the types."""
    run_sql(TYPES)


def downgrade() -> None:
    """Take them back."""
    run_sql("drop type session.begun_session; drop type session.changed_session;")
