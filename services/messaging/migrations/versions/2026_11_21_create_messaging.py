"""Create chats, messages, media and waiting receipts, and the tables that every service has."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "messaging"

CHATS = """
create table messaging.chats (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    chat_key text not null,
    channel_id uuid not null,
    channel_type text not null,
    chat_type text not null,
    contact_id uuid,
    -- the newest id at the provider: the one that we send to; and all that it ever had
    external_chat_id text,
    external_ids text[] not null default '{}',
    subject text,
    description text,
    participants jsonb not null default '[]',
    status text not null default 'active' constraint chats_status check (status in ('active', 'archived', 'closed')),
    metadata jsonb not null default '{}',
    last_sequence bigint not null default 0,
    unread_count int not null default 0 constraint chats_unread check (unread_count >= 0),
    -- the read mark: messages up to here were seen
    read_at timestamptz,
    read_sequence bigint not null default 0,
    last_message_at timestamptz,
    -- What is indexed must not change with every message, or each of them rewrites every index. So the list of chats finds the hour
    -- by index and sorts within it. created_at stands for the time of a chat without any message.
    last_message_hour timestamptz not null generated always as
        (date_bin('1 hour', coalesce(last_message_at, created_at), timestamptz '2000-01-01 00:00:00+00')) stored,
    last_message_sequence bigint not null default 0,
    last_message_id uuid,
    last_message_preview text,
    last_message_type text,
    last_message_inbound boolean,
    last_inbound_at timestamptz,
    primary key (tenant_id, id)
) with (fillfactor = 70);
-- Closed is final: who writes again gets a new chat under the same key.
create unique index chats_key on messaging.chats (tenant_id, chat_key) where status <> 'closed';
create unique index chats_address on messaging.chats (tenant_id, channel_id, external_chat_id) where status <> 'closed';
create index chats_by_last_message on messaging.chats (tenant_id, project_id, last_message_hour desc);
create index chats_by_creation on messaging.chats (tenant_id, project_id, created_at desc, id desc);
create index chats_by_contact on messaging.chats (tenant_id, contact_id) where contact_id is not null;
"""

# The rank decides what is forward; nothing follows an end.
MESSAGES = """
create function messaging.status_rank(status text) returns int language sql immutable parallel safe return
    case status when 'scheduled' then 0 when 'queued' then 1 when 'unknown' then 1 when 'sent' then 2 when 'delivered' then 3
        when 'read' then 4 when 'played' then 5 else 9 end;
revoke all on function messaging.status_rank(text) from public;
grant execute on function messaging.status_rank(text) to messaging_app;

create table messaging.messages (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    chat_id uuid not null,
    channel_id uuid not null,
    channel_type text not null,
    contact_id uuid,
    session_id uuid,
    direction text not null constraint messages_direction check (direction in ('inbound', 'outbound')),
    sender_kind text not null constraint messages_sender
        check (sender_kind in ('contact', 'agent', 'ai', 'system', 'phone') and (direction = 'inbound') = (sender_kind = 'contact')),
    sender_id uuid,
    sender_name text,
    source text,
    origin text not null,
    content_type text not null,
    text text,
    media_id uuid,
    -- the content as it came, where text and media do not say it all
    details jsonb,
    unsupported_kind text,
    provider_message_id text,
    provider_message_ref text,
    reply_to_message_id uuid,
    reply_to_provider_id text,
    mentions jsonb not null default '[]',
    forwarded boolean not null default false,
    status text not null constraint messages_status check (status in
        ('scheduled', 'queued', 'unknown', 'sent', 'delivered', 'read', 'played', 'failed', 'cancelled')),
    sequence bigint not null,
    timestamp timestamptz not null,
    received_at timestamptz not null,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    played_at timestamptz,
    failed_at timestamptz,
    failure_code text,
    failure_message text,
    -- a receipt that came after the end: the send did happen
    late_ack text,
    late_ack_at timestamptz,
    metadata jsonb not null default '{}',
    primary key (tenant_id, id),
    -- No foreign key to chats: chats are never removed, the id comes from a row locked in the same transaction, and the check would
    -- cost a fifth of the insert (measured: 3.9 of 18 µs a message).
    constraint messages_failure check ((status = 'failed') = (failure_code is not null)),
    constraint messages_media check ((media_id is not null)
        = (content_type in ('image', 'video', 'audio', 'voice', 'document', 'sticker'))),
    constraint messages_unsupported check ((content_type = 'unsupported') = (unsupported_kind is not null))
) with (fillfactor = 90);
-- A message is stored once, however often it is delivered.
create unique index messages_once on messaging.messages (tenant_id, provider_message_id, channel_id)
    where provider_message_id is not null;
-- Lists, in the direction in which they are read.
create index messages_by_chat on messaging.messages (tenant_id, chat_id, timestamp desc, sequence desc, id desc);
create index messages_by_time on messaging.messages (tenant_id, project_id, timestamp desc, sequence desc, id desc);
create index messages_by_contact on messaging.messages (tenant_id, contact_id, timestamp desc, sequence desc, id desc)
    where contact_id is not null;
create index messages_by_session on messaging.messages (tenant_id, session_id) where session_id is not null;
-- What did not get through, or may not have.
create index messages_unsettled on messaging.messages (tenant_id, status, timestamp desc)
    where status in ('scheduled', 'queued', 'unknown', 'failed');
-- Answers whose quoted message may still come.
create index messages_answering on messaging.messages (tenant_id, channel_id, reply_to_provider_id)
    where reply_to_message_id is null and reply_to_provider_id is not null;
"""

MEDIA = """
create table messaging.media_objects (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    message_id uuid,
    channel_id uuid not null,
    kind text not null,
    state text not null default 'pending' constraint media_state check (state in ('pending', 'stored', 'failed', 'expired')),
    mime_type text,
    file_name text,
    size_bytes bigint,
    duration_seconds int,
    attempts int not null default 0,
    error text,
    primary key (tenant_id, id),
    foreign key (tenant_id, message_id) references messaging.messages (tenant_id, id)
);
create index media_of_message on messaging.media_objects (tenant_id, message_id);
"""

ACKS = """
-- Receipts that came before their message. One row for each level: none may hide another.
create table messaging.pending_acks (
    tenant_id uuid not null,
    channel_id uuid not null,
    provider_message_id text not null,
    level smallint not null,
    acked_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (tenant_id, provider_message_id, channel_id, level)
);
create index pending_acks_by_age on messaging.pending_acks (tenant_id, expires_at);
"""


def upgrade() -> None:
    """Start with an empty schema."""
    run_sql(outbox_tables(SCHEMA) + TABLE_SQL(SCHEMA) + CHATS + MESSAGES + MEDIA + ACKS)
    for table in ("chats", "messages", "media_objects", "pending_acks"):
        run_sql(protect(SCHEMA, table))


def downgrade() -> None:
    """Leave an empty schema."""
    run_sql("""
    drop table messaging.pending_acks;
    drop table messaging.media_objects;
    drop table messaging.messages;
    drop function messaging.status_rank(text);
    drop table messaging.chats;
    drop function messaging.tenants_with_old_idempotency_keys(timestamptz);
    drop table messaging.idempotency_keys;
    """)
    run_sql(drop_outbox_tables("messaging"))
