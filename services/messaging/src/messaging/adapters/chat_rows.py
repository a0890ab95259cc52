"""Chats as people read them: one, or a list out of closed tables of filters and sorts."""

from postgres.listing import Listing

COLUMNS = """
    id, tenant_id, project_id, version, created_at, updated_at, channel_id, channel_type, chat_type, contact_id,
    external_chat_id as external_id, subject, description, participants, status, unread_count, metadata, last_message_at,
    last_message_id, last_message_preview, last_message_type, last_message_inbound, (
        select last_inbound_at + make_interval(hours => h.messaging_window_hours) from channels h
        where h.tenant_id = chats.tenant_id and h.id = chats.channel_id
    ) as window_closes_at
"""

CHATS = Listing(
    select=f"""
select * from (
    select {COLUMNS}, unread, last_message_hour, coalesce(last_message_at, created_at) as last_message_order from chats
) c
where tenant_id = $1 and project_id = $2
""",
    sorts={
        "last_message_at": "last_message_hour timestamptz, last_message_order timestamptz",
        "created_at": "created_at timestamptz",
    },
    filters={
        "contact_id": "contact_id = {}::uuid",
        "channel_id": "channel_id = {}::uuid",
        "status": "status = any({}::text[])",
        "chat_type": "chat_type = any({}::text[])",
        # said in words that indexes have: whoever reads plans does not know which status, and whether unread is asked for
        "unread": "(unread and {}::bool)",
        "seen": "(not unread and {}::bool)",
        "put_away": "(status <> 'active' and {}::bool)",
        "of_many": "(chat_type <> 'individual' and {}::bool)",
        "last_message_after": "last_message_at >= {}",
        "last_message_before": "last_message_at < {}",
    },
)

ONE = f"select {COLUMNS} from chats where tenant_id = $1 and id = $2"
