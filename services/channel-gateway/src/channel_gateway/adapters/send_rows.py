"""Rows of send attempts: which columns are read, and what they become."""

from typing import Any

from channel_gateway.domain.sending import Attempt, Heard

COLUMNS = """a.tenant_id::text, a.project_id::text, a.message_id::text, a.channel_id::text, a.chat_key, a.external_chat_id,
    a.phone, a.content_type, a.text, a.priority, a.state, a.attempts, a.failures, a.provider_id, a.provider_ref, a.id_reserved,
    a.queued_at, a.expires_at, a.sending_at, a.unknown_since, a.looks, a.last_error,
    a.heard_id::text, a.correlation_id, a.actor, a.hop, a.traceparent,
    a.reply_to_id, a.reply_to_ref, a.mentions, a.link_preview"""
"""Of `send_attempts a`, in the order in which `attempt_of` reads them."""

_HEARD, _REST, _END = 22, 27, 31


def attempt_of(row: Any) -> Attempt:
    """Return the attempt of a row that begins with COLUMNS."""
    columns = tuple(row)
    reply_to_id, reply_to_ref, mentions, link_preview = columns[_REST:_END]
    heard = Heard(*columns[_HEARD:_REST])
    fields = (*columns[:_HEARD], heard, reply_to_id, reply_to_ref, tuple(mentions), link_preview)
    return Attempt(*fields)
