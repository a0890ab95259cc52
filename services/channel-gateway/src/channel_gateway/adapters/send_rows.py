"""Rows of send attempts: which columns are read, and what they become."""

from typing import Any

from postgres.listing import Listing

from channel_gateway.domain.sending import Attempt, Heard

COLUMNS = """a.tenant_id::text, a.project_id::text, a.message_id::text, a.channel_id::text, a.chat_key, a.external_chat_id,
    a.phone, a.content_type, a.text, a.priority, a.state, a.attempts, a.failures, a.provider_id, a.provider_ref, a.id_reserved,
    a.queued_at, a.expires_at, a.sending_at, a.unknown_since, a.looks, a.last_error,
    a.heard_id::text, a.correlation_id, a.actor, a.hop, a.traceparent,
    a.reply_to_id, a.reply_to_ref, a.mentions, a.link_preview"""
"""Of `send_attempts a`, in the order in which `attempt_of` reads them."""

SENDS = Listing(
    select=(
        "select * from (select message_id as id, message_id, state, case priority when 0 then 'high' when 1 then 'normal'"
        " else 'low' end as priority, attempts, queued_at, expires_at, sending_at, unknown_since, ended_at, evidence,"
        " failure_code, last_error, provider_id as provider_message_id, created_at from send_attempts"
        " where tenant_id = $1 and channel_id = $2) s where true"
    ),
    sorts={"created_at": "created_at timestamptz"},
    filters={"state": "state = any({}::text[])"},
)

_HEARD, _REST, _END = 22, 27, 31


def attempt_of(row: Any) -> Attempt:
    """Return the attempt of a row that begins with COLUMNS."""
    columns = tuple(row)
    reply_to_id, reply_to_ref, mentions, link_preview = columns[_REST:_END]
    heard = Heard(*columns[_HEARD:_REST])
    fields = (*columns[:_HEARD], heard, reply_to_id, reply_to_ref, tuple(mentions), link_preview)
    return Attempt(*fields)
