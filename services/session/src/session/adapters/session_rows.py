"""Sessions as people read them: one, or a list out of closed tables of filters and sorts."""

from postgres.listing import Listing

COLUMNS = """
    id, tenant_id, project_id, version, created_at, updated_at, chat_key, contact_id, channel_id, channel_type, pipeline_id,
    origin, status, end_reason, started_at, ended_at, ended_by, timeout_minutes, timeout_at, last_activity_at, message_count,
    messages_from_contact, messages_from_agent, unread_count, first_message_at, last_message_at, first_contact_message_at,
    first_agent_response_at, resolved, escalated, contact_wait_ms / 1000 as contact_wait_time_seconds,
    floor(extract(epoch from ended_at - started_at))::int as duration_seconds,
    greatest(0, floor(extract(epoch from first_agent_response_at - first_contact_message_at)))::int
        as agent_response_time_seconds,
    case when status = 'active' then greatest(0, floor(extract(epoch from now() - waiting_since)))::int end as waiting_seconds,
    (select k.chat_id from known_chats k where k.tenant_id = s.tenant_id and k.chat_key = s.chat_key) as chat_id
"""

# A sort needs a value in every row: what has not ended comes last in the descending list, and so does who waits for nothing.
_SORTED = f"""
select * from (
    select {COLUMNS}, last_activity_hour, coalesce(ended_at, timestamptz '1970-01-01Z') as ended_order,
        coalesce(floor(extract(epoch from ended_at - started_at))::int, 0) as duration_order,
        case when status = 'active' and waiting_since is not null
            then -floor(extract(epoch from waiting_since) * 1000)::bigint else -9223372036854775807 end as waiting_order
    from sessions s
) s
where tenant_id = $1 and project_id = $2
"""

SESSIONS = Listing(
    select=_SORTED,
    sorts={
        "started_at": "started_at timestamptz",
        "last_activity_at": "last_activity_hour timestamptz, last_activity_at timestamptz",
        "ended_at": "ended_order timestamptz",
        "message_count": "message_count int",
        "duration_seconds": "duration_order int",
        "waiting_seconds": "waiting_order bigint",
    },
    filters={
        "contact_id": "contact_id = {}::uuid",
        "channel_id": "channel_id = {}::uuid",
        "chat_id": "chat_key = (select k.chat_key from known_chats k where k.tenant_id = s.tenant_id and k.chat_id = {}::uuid)",
        "pipeline_id": "pipeline_id = {}::uuid",
        # said in words that the index of open sessions has
        "only_active": "(status = 'active' and {}::bool)",
        "status": """
            case when status = 'active' then 'active' = any({}::text[])
                else 'ended' = any({}::text[])
                    or ('expired' = any({}::text[]) and end_reason = 'inactivity_timeout')
                    or ('manually_closed' = any({}::text[])
                        and end_reason in ('manual_close', 'agent_close', 'resolved', 'transferred', 'escalated',
                            'contact_request'))
            end""",
        "end_reason": "end_reason = any({}::text[])",
        "resolved": "resolved = {}",
        "escalated": "escalated = {}",
        "started_after": "started_at >= {}",
        "started_before": "started_at < {}",
        "ended_after": "ended_at >= {}",
        "ended_before": "ended_at < {}",
        "last_activity_after": "last_activity_at >= {}",
        "last_activity_before": "last_activity_at < {}",
        "min_messages": "message_count >= {}",
        "max_messages": "message_count <= {}",
        "min_waiting_seconds": "waiting_seconds >= {}",
    },
)

ONE = f"select {COLUMNS} from sessions s where tenant_id = $1 and id = $2"
