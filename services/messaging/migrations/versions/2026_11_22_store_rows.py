"""Let a batch of messages, and of what they change in chats, come as rows: one value for each, not one array for each column."""

from postgres.migrating import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A type cannot grow while an older release still fills it: who needs another column makes another type.
TYPES = """
create type messaging.arrived_message as (
    tenant_id uuid,
    id uuid,
    project_id uuid,
    chat_id uuid,
    channel_id uuid,
    channel_type text,
    contact_id uuid,
    session_id uuid,
    inbound boolean,
    contact_name text,
    source text,
    origin text,
    content_type text,
    text text,
    media_id uuid,
    details jsonb,
    unsupported_kind text,
    provider_message_id text,
    provider_message_ref text,
    reply_to_provider_id text,
    mentions jsonb,
    forwarded boolean,
    status text,
    sequence bigint,
    timestamp timestamptz,
    received_at timestamptz,
    reply_to_message_id uuid
);
create type messaging.changed_chat as (
    tenant_id uuid,
    id uuid,
    external_chat_id text,
    -- null where they are as before
    external_ids text[],
    subject text,
    last_sequence bigint,
    unread_count int,
    last_message_at timestamptz,
    last_message_sequence bigint,
    last_message_id uuid,
    last_message_preview text,
    last_message_type text,
    last_message_inbound boolean,
    last_inbound_at timestamptz
);
create type messaging.begun_chat as (
    tenant_id uuid,
    id uuid,
    external_chat_id text,
    external_ids text[],
    subject text,
    last_sequence bigint,
    unread_count int,
    last_message_at timestamptz,
    last_message_sequence bigint,
    last_message_id uuid,
    last_message_preview text,
    last_message_type text,
    last_message_inbound boolean,
    last_inbound_at timestamptz,
    project_id uuid,
    chat_key text,
    channel_id uuid,
    channel_type text,
    chat_type text,
    contact_id uuid
);
"""


def upgrade() -> None:
    """Add the types."""
    run_sql(TYPES)


def downgrade() -> None:
    """Take them back."""
    run_sql("drop type messaging.begun_chat; drop type messaging.changed_chat; drop type messaging.arrived_message;")
