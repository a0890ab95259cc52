"""The statements of `seed.py`: contacts, sessions and messages as the services would have written them, a few thousand people at a time.

Everything follows from the number of a person, so a chunk that is made again is the same (its ids aside). The shape of the data:

- of 1,000 people 1 has 2,000 messages, 9 have 200, 90 have 30, 800 have 2 to 5, and 100 were entered and never wrote: 10 on average;
- who wrote last is spread over 180 days, more towards today: 1 in 260 within the last hour, 1 in 31 within the last day;
- people write in visits of 10 messages, 3 days apart: contact, contact, us, contact, us, and so again. A visit is a session;
- one in seven has no name but the number, one in five has an e-mail, one in ten an external id, one in seven a message that nobody read.

Not made: raw deliveries, billing's counters, steps of sent messages (all of ours were typed on the phone), and whatever was said about it.
"""

PEOPLE_TABLE = """
create temporary table if not exists people (
    tenant_id uuid, project_id uuid, channel_id uuid, pipeline_id uuid, status_id uuid, seeded_at timestamptz, n bigint, contact_id uuid, chat_id uuid, chat_key text, name text, name_folded text, name_words text[], is_named boolean,
    phone text, address text, tags text[], tag_keys text[], messages int, visits int, last_at timestamptz, began_at timestamptz,
    met_at timestamptz, last_id uuid, last_inbound boolean, last_unread boolean
) on commit delete rows;
create temporary table if not exists visits (
    n bigint, visit int, session_id uuid, began_at timestamptz, messages int, ends_at timestamptz
) on commit delete rows;
"""

# $1 and $2 from and up to which number, $3 how many messages for one of the usual distribution, $4 to $7 first and last names as
# written and folded, $8 syllables, $9 and $10 tags as written and as compared, $11 tenant, $12 project, $13 channel, $14 pipeline,
# $15 status of a new placement, $16 now.
PEOPLE = """
insert into people
select $11::uuid, $12::uuid, $13::uuid, $14::uuid, $15::uuid, $16::timestamptz, n, contact_id, chat_id, $13::uuid || ':' || contact_id,
    case when is_named then first || ' ' || last || ' ' || initcap(rare) else phone end,
    case when is_named then first_folded || ' ' || last_folded || ' ' || rare else phone end,
    case when is_named then array[last_folded, rare] else array[substr(phone, 2)] end,
    is_named, phone, substr(phone, 2) || '@c.us', tags, tag_keys, messages, (messages + 9) / 10, last_at,
    last_at - (messages - 1) % 10 * interval '40 s',
    met_at, uuidv7(last_at - now()), messages > 0 and (messages - 1) % 5 in (0, 1, 3),
    messages > 0 and (messages - 1) % 5 in (0, 1, 3) and n % 7 = 0
from (
    select n, uuidv7(met_at - now()) as contact_id, uuidv7(met_at - now()) as chat_id,
        n % 7 <> 3 as is_named,
        ($4::text[])[1 + floor(r1 * cardinality($4::text[]))] as first,
        ($5::text[])[1 + floor(r1 * cardinality($4::text[]))] as first_folded,
        ($6::text[])[1 + floor(r2 * r2 * cardinality($6::text[]))] as last,
        ($7::text[])[1 + floor(r2 * r2 * cardinality($6::text[]))] as last_folded,
        ($8::text[])[1 + n % cardinality($8::text[])] || ($8::text[])[1 + n / 20 % cardinality($8::text[])]
            || ($8::text[])[1 + n / 400 % cardinality($8::text[])] as rare,
        '+55' || (array[11, 21, 31, 41, 51, 61, 71, 81])[1 + n % 8] || '9' || lpad((n * 7919 % 100000000)::text, 8, '0') as phone,
        array_remove(array[($9::text[])[1], case when n % 5 = 0 then ($9::text[])[2] end, case when n % 100 = 0 then ($9::text[])[3] end,
            'Wave ' || n % 40], null) as tags,
        array_remove(array[($10::text[])[1], case when n % 5 = 0 then ($10::text[])[2] end, case when n % 100 = 0 then ($10::text[])[3] end,
            'wave ' || n % 40], null) as tag_keys,
        messages, last_at, met_at
    from (
        select *, last_at - (messages - 1) % 10 * interval '40 s' - (messages - 1) / 10 * interval '3 days' - interval '1 s' as met_at
        from (
            select n, r1, r2, $16::timestamptz - date_trunc('second', power(r3, 1.5) * interval '180 days') as last_at,
                round($3::float8 * case when n % 1000 = 0 then 2000 when n % 1000 < 10 then 200 when n % 1000 < 100 then 30
                    when n % 1000 < 600 then 5 when n % 1000 < 800 then 4 when n % 1000 < 900 then 2 else 0 end)::int as messages
            from (select n, (hashint8extended(n, 1) & 65535) / 65536.0 as r1, (hashint8extended(n, 2) & 65535) / 65536.0 as r2,
                (hashint8extended(n, 3) & 1048575) / 1048576.0 as r3
                from generate_series($1::bigint, $2::bigint - 1) as n) drawn
        ) counted
    ) dated
) described
"""

CONTACTS = (
    """
insert into contact.contacts (tenant_id, id, project_id, created_at, updated_at, name, name_source, name_folded, name_words, email,
    phone, phone_key, external_id, source_channel, tags, tag_keys, opted_out, opted_out_at, origin, first_interaction_at,
    last_interaction_at)
select tenant_id, contact_id, project_id, met_at, met_at, name, case when is_named then 'push' else 'provider' end, name_folded,
    name_words, case when n % 5 = 1 then replace(name_folded, ' ', '.') || n || '@example.com' end, phone, substr(phone, 2),
    case when n % 10 = 2 then 'order-' || n end, 'waha', tags, tag_keys, n % 200 = 199, case when n % 200 = 199 then last_at end,
    case when messages > 0 then 'inbound' else 'import' end, case when messages > 0 then met_at + interval '1 s' end,
    case when messages > 0 then last_at end
from people order by contact_id
""",
    """
insert into contact.channel_identities (tenant_id, id, project_id, created_at, updated_at, contact_id, channel_id, kind, value,
    match_key, push_name, verified, evidence, first_seen_at, last_seen_at)
select tenant_id, uuidv7(met_at - now()), project_id, met_at, met_at, contact_id, channel_id, 'wa_pn', address, substr(phone, 2),
    case when is_named then name end, messages > 0, uuidv7(met_at - now())::text, met_at, last_at
from people
""",
    """
insert into messaging.contacts (tenant_id, id, project_id, version, created_at, updated_at, name, phone, opted_out)
select tenant_id, contact_id, project_id, 1, met_at, met_at, name, phone, n % 200 = 199 from people
""",
    """
insert into messaging.contact_handles (tenant_id, contact_id, channel_id, kind, value, linked_at)
select tenant_id, contact_id, channel_id, 'wa_pn', address, met_at from people
""",
    """
insert into pipeline_automation.contacts (tenant_id, id, project_id, version, created_at, updated_at, name, phone, source_channel,
    tags, opted_out, met_at, channel_id, first_place)
select tenant_id, contact_id, project_id, 1, met_at, met_at, name, phone, 'waha', tags, n % 200 = 199, met_at, channel_id, 'settled'
from people
""",
    """
insert into pipeline_automation.placements (tenant_id, id, project_id, created_at, updated_at, contact_id, pipeline_id, status_id,
    entered_at, changed_by)
select tenant_id, uuidv7(met_at - now()), project_id, met_at, met_at, contact_id, pipeline_id, status_id, met_at,
    'system:pipeline-automation'
from people
""",
)

VISITS = """
insert into visits
select n, visit, uuidv7(began_at - now()), began_at, messages, began_at + (messages - 1) * interval '40 s' + interval '1 day'
from (
    select n, visit, began_at - (visits - 1 - visit) * interval '3 days' as began_at,
        case when visit = visits - 1 then (messages - 1) % 10 + 1 else 10 end as messages
    from people, generate_series(0, visits - 1) as visit
) v
"""

SESSIONS = (
    """
insert into session.sessions (tenant_id, id, project_id, created_at, updated_at, chat_key, contact_id, channel_id, channel_type, origin,
    status, end_reason, started_at, ended_at, ended_by, ended_unanswered, last_activity_at, timeout_minutes, timeout_at, check_at,
    message_count, messages_from_contact, messages_from_agent, unread_count, first_message_at, last_message_at,
    first_contact_message_at, first_agent_response_at, first_human_response_at, waiting_since, contact_wait_ms, talk)
select tenant_id, session_id, project_id, began_at, last_at, chat_key, contact_id, channel_id, 'waha', 'inbound',
    case when is_open then 'active' else 'ended' end, case when not is_open then 'inactivity_timeout' end, began_at,
    case when not is_open then ends_at end, case when not is_open then 'system:session' end,
    not is_open and waiting_since is not null, last_at, 1440, ends_at, ends_at, messages, messages - answers, answers, unread,
    began_at, last_at, began_at, answered_at, answered_at, waiting_since, waited_ms,
    array[waited_ms, coalesce(extract(epoch from waiting_since)::bigint * 1000, -1), unread]
from (
    select v.*, p.tenant_id, p.project_id, p.channel_id, p.chat_key, p.contact_id, v.ends_at > p.seeded_at as is_open, v.ends_at - interval '1 day' as last_at,
        (v.messages > 2)::int + (v.messages > 4)::int + (v.messages > 7)::int + (v.messages > 9)::int as answers,
        (array[0, 1, 2, 0, 1])[1 + v.messages % 5] as unread,
        case when v.messages > 2 then v.began_at + interval '80 s' end as answered_at,
        v.began_at + case v.messages % 5 when 1 then v.messages - 1 when 2 then v.messages - 2 when 4 then v.messages - 1 end
            * interval '40 s' as waiting_since,
        80000::bigint * (v.messages > 2)::int + 40000 * (v.messages > 4)::int + 80000 * (v.messages > 7)::int
            + 40000 * (v.messages > 9)::int as waited_ms
    from visits v join people p using (n)
) s
""",
    """
insert into session.known_chats (tenant_id, chat_key, project_id, chat_id, version, updated_at)
select tenant_id, chat_key, project_id, chat_id, 1, met_at from people where messages > 0
""",
    """
insert into messaging.open_sessions (tenant_id, id, project_id, chat_key, started_at)
select tenant_id, v.session_id, project_id, p.chat_key, v.began_at from visits v join people p using (n) where v.ends_at > p.seeded_at
""",
)

MESSAGES = """
with written as materialized (
    select p.tenant_id, p.project_id, p.channel_id, p.n, p.contact_id, p.chat_id, p.name, p.address, v.session_id, s as sequence,
        v.began_at + (s - 1) % 10 * interval '40 s' as at,
        case when s = p.messages then p.last_id else uuidv7(v.began_at + (s - 1) % 10 * interval '40 s' - now()) end as id,
        (s - 1) % 5 in (0, 1, 3) as inbound, upper(substr(md5(p.chat_id || ':' || s), 1, 20)) as provider_id,
        case when (p.n + s) % 17 = 0 then 'image' when (p.n + s) % 53 = 0 then 'location' else 'text' end as kind,
        case when (p.n + s) % 17 = 0 then uuidv7(v.began_at + (s - 1) % 10 * interval '40 s' - now()) end as media_id,
        (p.n + s) % 31 = 0 as answers, s = p.messages and p.last_unread as unread
    from visits v join people p using (n), generate_series(v.visit * 10 + 1, v.visit * 10 + v.messages) as s
), quoting as (
    select *, case when answers then lag(id) over chat end as quoted, case when answers then lag(provider_id) over chat end as quoted_name
    from written window chat as (partition by chat_id order by sequence)
)
insert into messaging.messages (tenant_id, id, project_id, created_at, updated_at, chat_id, channel_id, channel_type, contact_id,
    session_id, direction, sender_kind, sender_id, sender_name, source, origin, content_type, text, media_id, details,
    provider_message_id, provider_message_ref, reply_to_message_id, reply_to_provider_id, status, sequence, timestamp, received_at,
    sent_at, delivered_at, read_at)
select tenant_id, id, project_id, at, at, chat_id, channel_id, 'waha', contact_id, session_id,
    case when inbound then 'inbound' else 'outbound' end, case when inbound then 'contact' else 'phone' end,
    case when inbound then contact_id end, case when inbound then name end, case when not inbound then 'phone' end, 'live', kind,
    case kind when 'text' then case when inbound then 'Hello, I would like to know the price of product ' || (n * 31 + sequence) % 5000
            || ', and when it could be here' else 'It costs ' || (n + sequence) % 900 || '.90, and you have it tomorrow' end
        when 'image' then 'this one?' end,
    media_id, case kind when 'location' then '{"type": "location", "latitude": -23.55, "longitude": -46.63}'::jsonb end, provider_id,
    case when inbound then 'false_' else 'true_' end || address || '_' || provider_id, quoted, quoted_name,
    case when not inbound then 'read' when unread then 'delivered' else 'read' end, sequence, at, at + interval '1 s',
    case when not inbound then at end, at + interval '1 s', case when not unread then at + interval '20 s' end
from quoting order by chat_id, sequence
"""

MEDIA = """
insert into messaging.media_objects (tenant_id, id, project_id, created_at, updated_at, message_id, channel_id, kind, mime_type,
    file_name, size_bytes)
select p.tenant_id, m.media_id, m.project_id, m.created_at, m.created_at, m.id, m.channel_id, 'image', 'image/jpeg',
    'photo-' || m.sequence || '.jpg', 20000 + p.n % 100000
from people p join messaging.messages m on m.tenant_id = p.tenant_id and m.chat_id = p.chat_id
where m.media_id is not null
"""

CHATS = """
insert into messaging.chats (tenant_id, id, project_id, version, created_at, updated_at, chat_key, channel_id, channel_type, chat_type,
    contact_id, external_chat_id, external_ids, participants, last_sequence, unread_count, read_at, read_sequence, last_message_at,
    last_message_sequence, last_message_id, last_message_preview, last_message_type, last_message_inbound, last_inbound_at)
select p.tenant_id, p.chat_id, p.project_id, p.messages, p.met_at, p.last_at, p.chat_key, p.channel_id, 'waha', 'individual', p.contact_id,
    p.address, array[p.address], jsonb_build_array(jsonb_build_object('id', p.contact_id, 'type', 'contact', 'joined_at', p.met_at,
    'left_at', null, 'is_admin', false)), p.messages, p.last_unread::int, seen.timestamp, coalesce(seen.sequence, 0), p.last_at,
    p.messages, p.last_id, left(last.text, 120), last.content_type, p.last_inbound,
    case when p.last_inbound then p.last_at else p.last_at - interval '40 s' end
from people p
join messaging.messages last on last.tenant_id = p.tenant_id and last.id = p.last_id
left join messaging.messages seen on seen.tenant_id = p.tenant_id and seen.chat_id = p.chat_id and seen.sequence = p.messages - p.last_unread::int
where p.messages > 0
"""

FOR_PEOPLE = (VISITS, *CONTACTS, *SESSIONS, MESSAGES, MEDIA, CHATS)
"""What is written for the people of a chunk, in this order; nothing in them is a parameter."""
