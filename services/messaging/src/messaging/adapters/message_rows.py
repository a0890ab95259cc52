"""Messages as people read them: one, or a list out of closed tables of filters and sorts, in the order (timestamp, sequence).

What a message quotes and its file come with it.
"""

from postgres.listing import Listing

# `m` is whatever gives the rows of messages.
READ = """
    m.id, m.tenant_id, m.project_id, m.version, m.created_at, m.updated_at, m.chat_id, m.session_id, m.contact_id, m.channel_id,
    m.channel_type, m.direction, m.direction = 'outbound' as from_me, m.sender_kind, m.sender_id, m.sender_name, m.content_type,
    m.text, m.details, m.unsupported_kind, m.reply_to_message_id, m.forwarded, m.mentions, m.status, m.failure_code,
    m.failure_message, m.failed_at, m.late_ack, m.late_ack_at, m.source, m.provider_message_id as external_id, m.metadata, m.sequence,
    m.timestamp, m.received_at, m.queued_at, m.sent_at, m.delivered_at, m.read_at, m.played_at, m.media_id, m.retry_of_id,
    case when m.sender_kind in ('agent', 'ai') then m.sender_id end as agent_id,
    case when m.status = 'queued' then case when exists (
        select from resting_projects r where r.tenant_id = m.tenant_id and r.project_id = m.project_id and r.rests
    ) then 'resting' else h.status end end as waits_for_channel,
    f.mime_type as media_mime_type, f.file_name as media_file_name, f.size_bytes as media_size_bytes,
    f.duration_seconds as media_duration_seconds, f.state as media_state,
    q.text as quoted_text, q.content_type as quoted_content_type
"""
BESIDE = """
left join messages q on q.tenant_id = m.tenant_id and q.id = m.reply_to_message_id
left join channels h on h.tenant_id = m.tenant_id and h.id = m.channel_id
left join media_objects f on f.tenant_id = m.tenant_id and f.id = m.media_id
"""

# The filters stand inside, where the index is; what comes along is joined to the page only, by RESULT.
MESSAGES = Listing(
    select="select m.id, m.timestamp, m.sequence from messages m where m.tenant_id = $1 and m.project_id = $2",
    sorts={"timestamp": "timestamp timestamptz, sequence bigint"},
    filters={
        "chat_id": "m.chat_id = {}::uuid",
        "session_id": "m.session_id = {}::uuid",
        "contact_id": "m.contact_id = {}::uuid",
        "channel_id": "m.channel_id = {}::uuid",
        "agent_id": "m.sender_kind in ('agent', 'ai') and m.sender_id = {}::uuid",
        "external_id": "m.provider_message_id = {}",
        "direction": "m.direction = any({}::text[])",
        "from_me": "(m.direction = 'outbound') = {}",
        "content_type": "m.content_type = any({}::text[])",
        "status": "m.status = any({}::text[])",
        # said in words that an index has
        "unsettled": "(m.unsettled and {}::bool)",
        "source": "m.source = any({}::text[])",
        "has_media": "(m.media_id is not null) = {}",
        "timestamp_after": "m.timestamp >= {}",
        "timestamp_before": "m.timestamp < {}",
    },
)

RESULT = f"select {READ} from messages m {BESIDE} where m.tenant_id = $1 and m.id = any($2::uuid[])"
ONE = f"select {READ} from messages m {BESIDE} where m.tenant_id = $1 and m.id = $2"
