"""Find by index what people filter lists of chats and messages by, without writing an index for each message."""

from postgres.migrating import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A number that counts with every message must not stand in an index, or each message rewrites every index of its chat: what is indexed
# is whether there is anything unread. The others hold few chats, and change with none of their messages.
CHATS = """
alter table messaging.chats add column unread boolean not null generated always as (unread_count > 0) stored;
create index chats_unread on messaging.chats (tenant_id, project_id, last_message_hour desc) where unread;
create index chats_put_away on messaging.chats (tenant_id, project_id, last_message_hour desc) where status <> 'active';
create index chats_of_many on messaging.chats (tenant_id, project_id, last_message_hour desc) where chat_type <> 'individual';
create index chats_by_channel on messaging.chats (tenant_id, project_id, channel_id, last_message_hour desc);
"""

# In the order of the list. As long as the condition named the status itself, each receipt rewrote every index of its message.
MESSAGES = """
alter table messaging.messages add column unsettled boolean not null
    generated always as (status in ('scheduled', 'queued', 'unknown', 'failed', 'cancelled')) stored;
drop index messaging.messages_unsettled;
create index messages_unsettled on messaging.messages (tenant_id, project_id, timestamp desc, sequence desc, id desc) where unsettled;
create index messages_by_agent on messaging.messages (tenant_id, sender_id, timestamp desc, sequence desc, id desc)
    where sender_kind in ('agent', 'ai');
"""


def upgrade() -> None:
    """Add indexes, and what they need. Both tables are rewritten under a lock: minutes for millions of messages."""
    run_sql(CHATS + MESSAGES)


def downgrade() -> None:
    """Take them back."""
    run_sql("""
    drop index messaging.messages_by_agent, messaging.messages_unsettled;
    alter table messaging.messages drop column unsettled;
    create index messages_unsettled on messaging.messages (tenant_id, status, timestamp desc)
        where status in ('scheduled', 'queued', 'unknown', 'failed');
    drop index messaging.chats_by_channel, messaging.chats_of_many, messaging.chats_put_away, messaging.chats_unread;
    alter table messaging.chats drop column unread;
    """)
