"""The statements about messages of ours."""

KNOWN = """
select m.tenant_id::text, m.id::text
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id) join messages m on m.tenant_id = w.tenant_id and m.id = w.id
"""

# A message that exists already falls out here, and with it its event.
ADD = """
with wanted as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::text[],
        $10::uuid[], $11::text[], $12::text[], $13::text[], $14::uuid[], $15::jsonb[], $16::text[], $17::uuid[], $18::text[],
        $19::bigint[], $20::timestamptz[], $21::text[], $22::timestamptz[], $23::jsonb[], $24::uuid[], $25::text[], $26::text[],
        $27::uuid[], $28::text[], $29::text[], $30::timestamptz[], $31::jsonb[])
        as n (tenant_id, id, project_id, chat_id, channel_id, channel_type, contact_id, session_id, sender_kind, sender_id, source,
        content_type, text, media_id, details, unsupported_kind, reply_to_message_id, status, sequence, queued_at, priority,
        expires_at, metadata, retry_of_id, failure_code, failure_message, event_id, step, step_status, step_at, step_detail)
), added as (
    insert into messages (tenant_id, id, project_id, chat_id, channel_id, channel_type, contact_id, session_id, direction,
        sender_kind, sender_id, source, origin, content_type, text, media_id, details, unsupported_kind, reply_to_message_id,
        status, sequence, timestamp, received_at, queued_at, priority, expires_at, metadata, retry_of_id, failure_code,
        failure_message, failed_at)
    select tenant_id, id, project_id, chat_id, channel_id, channel_type, contact_id, session_id, 'outbound', sender_kind, sender_id,
        source, 'api', content_type, text, media_id, details, unsupported_kind, reply_to_message_id, status, sequence, queued_at,
        queued_at, queued_at, priority, expires_at, metadata, retry_of_id, failure_code, failure_message,
        case when status = 'failed' then queued_at end
    from wanted order by tenant_id, id
    on conflict (tenant_id, id) do nothing
    returning tenant_id, id
), noted as (
    insert into message_steps (tenant_id, message_id, event_id, step, status, at, detail)
    select w.tenant_id, w.id, w.event_id, w.step, w.step_status, w.step_at, w.step_detail
    from wanted w join added a on a.tenant_id = w.tenant_id and a.id = w.id
)
select tenant_id::text, id::text from added
"""

QUOTED = """
select m.tenant_id::text, m.id::text, m.chat_id::text, m.provider_message_id, m.provider_message_ref
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id) join messages m on m.tenant_id = w.tenant_id and m.id = w.id
"""

# The columns stand in the order of the fields of Tracked. The content travels only where it may still have to be told.
TRACKED = """
    m.tenant_id::text, m.id::text, m.project_id::text, m.chat_id::text, c.chat_key, m.channel_id::text, m.provider_message_id,
    m.provider_message_ref, m.contact_id::text, m.session_id::text, m.direction = 'inbound', m.sender_kind, m.sender_id::text,
    m.source, m.status, m.timestamp, m.sequence, m.sent_at, m.late_ack,
    case when m.direction = 'outbound' and m.sent_at is null
        then coalesce(m.details, jsonb_build_object('type', m.content_type, 'text', m.text))::text end,
    c.external_chat_id is not null
"""

BY_ID = f"""
select {TRACKED}
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
join messages m on m.tenant_id = w.tenant_id and m.id = w.id
join chats c on c.tenant_id = m.tenant_id and c.id = m.chat_id
order by m.tenant_id, m.id
for no key update of m
"""

BY_PROVIDER_ID = f"""
select {TRACKED}
from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (tenant_id, channel_id, provider_message_id)
join messages m on m.tenant_id = w.tenant_id and m.channel_id = w.channel_id and m.provider_message_id = w.provider_message_id
join chats c on c.tenant_id = m.tenant_id and c.id = m.chat_id
order by m.tenant_id, m.id
for no key update of m
"""

# With its name a message gets what was waiting for it: receipts, and the answers that quote it.
TAKE_EARLY = """
with named as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as n (tenant_id, id, channel_id, provider_message_id)
), answered as (
    update messages b set reply_to_message_id = n.id, version = b.version + 1, updated_at = now()
    from named n
    where b.tenant_id = n.tenant_id and b.channel_id = n.channel_id and b.reply_to_provider_id = n.provider_message_id
        and b.reply_to_message_id is null and b.reply_to_provider_id is not null
), taken as (
    delete from pending_acks p using named n
    where p.tenant_id = n.tenant_id and p.provider_message_id = n.provider_message_id and p.channel_id = n.channel_id
    returning n.tenant_id, n.id, p.level, p.acked_at, p.expires_at
)
select tenant_id::text, id::text, level, acked_at from taken where expires_at > now() order by tenant_id, id, acked_at, level
"""

# An echo that was stored as typed on the phone turns out to be a message of ours ($2) and goes ($3). One after the other: the
# name must be free before the message gets it.
MERGE = (
    """
update messages b set reply_to_message_id = t.id, version = b.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, id, echo_id)
where b.tenant_id = t.tenant_id and b.reply_to_message_id = t.echo_id
    and b.chat_id = (select e.chat_id from messages e where e.tenant_id = t.tenant_id and e.id = t.echo_id)
""",
    """
update chats c set last_message_id = t.id, version = c.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, id, echo_id)
join messages e on e.tenant_id = t.tenant_id and e.id = t.echo_id
where c.tenant_id = t.tenant_id and c.id = e.chat_id and c.last_message_id = t.echo_id
""",
    """
with steps as (
    update message_steps s set message_id = t.id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, id, echo_id)
    where s.tenant_id = t.tenant_id and s.message_id = t.echo_id
), files as (
    delete from media_objects f using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, id, echo_id)
    where f.tenant_id = t.tenant_id and f.message_id = t.echo_id
)
update messages m set delivered_at = coalesce(m.delivered_at, e.delivered_at), read_at = coalesce(m.read_at, e.read_at),
    played_at = coalesce(m.played_at, e.played_at)
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, id, echo_id)
join messages e on e.tenant_id = t.tenant_id and e.id = t.echo_id
where m.tenant_id = t.tenant_id and m.id = t.id
""",
    """
delete from messages m using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (tenant_id, id, echo_id)
where m.tenant_id = t.tenant_id and m.id = t.echo_id
""",
)

_STEPS = """
    insert into message_steps (tenant_id, message_id, event_id, step, status, at, detail)
    select * from unnest($17::uuid[], $18::uuid[], $19::uuid[], $20::text[], $21::text[], $22::timestamptz[], $23::jsonb[])
"""
STEP_COLUMNS = 7

# Only along the table of statuses, whoever else was here meanwhile.
RISE = f"""
with steps as ({_STEPS})
update messages m set status = r.status, provider_message_id = coalesce(r.provider_message_id, m.provider_message_id),
    provider_message_ref = coalesce(r.provider_message_ref, m.provider_message_ref),
    unresolved_at = coalesce(m.unresolved_at, r.unresolved_at), sent_at = coalesce(m.sent_at, r.sent_at),
    delivered_at = coalesce(m.delivered_at, r.delivered_at), read_at = coalesce(m.read_at, r.read_at),
    played_at = coalesce(m.played_at, r.played_at), failed_at = coalesce(m.failed_at, r.failed_at),
    cancelled_at = coalesce(m.cancelled_at, r.cancelled_at),
    failure_code = case when r.status = 'failed' then coalesce(m.failure_code, r.failure_code) end,
    failure_message = case when r.status = 'failed' then coalesce(m.failure_message, r.failure_message) end,
    late_ack = coalesce(r.late_ack, m.late_ack), late_ack_at = coalesce(r.late_ack_at, m.late_ack_at),
    version = m.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
    $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::text[],
    $16::timestamptz[])
    as r (tenant_id, id, status, provider_message_id, provider_message_ref, unresolved_at, sent_at, delivered_at, read_at,
    played_at, failed_at, cancelled_at, failure_code, failure_message, late_ack, late_ack_at)
where m.tenant_id = r.tenant_id and m.id = r.id and (m.status = r.status or may_become(m.status, r.status))
"""

NOTE = """
insert into message_steps (tenant_id, message_id, event_id, step, status, at, detail)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[])
"""

ASK_TO_CANCEL = """
update messages set cancel_requested_at = now(), version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and cancel_requested_at is null
returning id
"""

HISTORY = """
select at, step, status, detail, event_id from message_steps where tenant_id = $1 and message_id = $2 order by position
"""
