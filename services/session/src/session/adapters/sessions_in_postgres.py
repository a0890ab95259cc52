"""Sessions in Postgres, set-based: a batch of any size costs three statements at most."""

from collections.abc import Collection, Sequence
from typing import Any

from kernel.errors import DomainError
from postgres.database import Connection

from session.adapters.session_rows import COLUMNS, ONE
from session.domain.attendance import Session
from session.domain.closing import Closing
from session.domain.talk import Talk

# In the order of the fields of Session, which takes them by position: a third of the cost by name.
LOADED = """
    s.tenant_id::text, s.id::text, s.project_id::text, s.chat_key, s.contact_id::text, s.channel_id::text, s.channel_type,
    s.pipeline_id::text, s.started_at, s.last_activity_at, s.timeout_minutes, s.timeout_at,
    s.status, s.end_reason, s.ended_at, s.ended_by, s.ended_unanswered, s.messages_from_contact,
    s.messages_from_agent, s.first_message_at, s.last_message_at, s.first_contact_message_at,
    s.first_agent_response_at, s.first_human_response_at, s.talk
"""

# Sorted, so that two batches, or a batch and a person, wait for each other instead of deadlocking.
OPEN_IN = f"""
select {LOADED}
from unnest($1::uuid[], $2::text[]) as chat (tenant_id, chat_key)
join sessions s on s.tenant_id = chat.tenant_id and s.chat_key = chat.chat_key and s.status = 'active'
order by s.tenant_id, s.chat_key
for update of s
"""

# Before BEGIN_NEW: what ends here makes room for what begins there.
CHANGE = """
update sessions s set
    status = c.status, end_reason = c.end_reason, ended_at = c.ended_at, ended_by = c.ended_by,
    ended_unanswered = c.ended_unanswered, last_activity_at = c.last_activity_at, timeout_at = c.timeout_at,
    message_count = c.messages_from_contact + c.messages_from_agent, messages_from_contact = c.messages_from_contact,
    messages_from_agent = c.messages_from_agent, unread_count = c.unread_count, first_message_at = c.first_message_at,
    last_message_at = c.last_message_at, first_contact_message_at = c.first_contact_message_at,
    first_agent_response_at = c.first_agent_response_at, first_human_response_at = c.first_human_response_at,
    waiting_since = c.waiting_since, contact_wait_ms = c.contact_wait_ms, talk = c.talk::bigint[],
    version = s.version + 1, updated_at = now()
from unnest($1::changed_session[]) as c
where s.tenant_id = c.tenant_id and s.id = c.id and s.status = 'active'
"""

# A race for the open session of a chat ends in a unique violation, and the batch is repeated.
BEGIN_NEW = """
insert into sessions (tenant_id, id, status, end_reason, ended_at, ended_by, ended_unanswered, last_activity_at, timeout_at,
    messages_from_contact, messages_from_agent, unread_count, first_message_at, last_message_at, first_contact_message_at,
    first_agent_response_at, first_human_response_at, waiting_since, contact_wait_ms, talk, project_id, chat_key, contact_id,
    channel_id, channel_type, pipeline_id, started_at, timeout_minutes, origin, message_count, check_at)
select n.tenant_id, n.id, n.status, n.end_reason, n.ended_at, n.ended_by, n.ended_unanswered, n.last_activity_at, n.timeout_at,
    n.messages_from_contact, n.messages_from_agent, n.unread_count, n.first_message_at, n.last_message_at,
    n.first_contact_message_at, n.first_agent_response_at, n.first_human_response_at, n.waiting_since, n.contact_wait_ms,
    n.talk::bigint[], n.project_id, n.chat_key, n.contact_id, n.channel_id, n.channel_type, n.pipeline_id, n.started_at,
    n.timeout_minutes, 'inbound', n.messages_from_contact + n.messages_from_agent, n.timeout_at
from unnest($1::begun_session[]) as n
order by n.tenant_id, n.chat_key, n.id
"""

CLOSE = f"""
update sessions s set status = 'ended', end_reason = $3, ended_at = greatest($4::timestamptz, started_at), ended_by = $5,
    close_notes = $6, resolved = $7, resolved_at = case when $7 then $4::timestamptz end, escalated = $8,
    escalated_at = case when $8 then $4::timestamptz end, version = version + 1, updated_at = now()
where tenant_id = $1 and id = $2 and status = 'active'
returning {COLUMNS}
"""

STATUS = "select status from sessions where tenant_id = $1 and id = $2"


def loaded(row: Sequence[Any]) -> Session:
    """Return the session of a row of LOADED."""
    return Session(*[*row[:-1], Talk(row[-1])])


class SessionsInPostgres:
    """The session table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open_in(self, chats: Sequence[tuple[str, str]]) -> list[Session]:
        """Return the open sessions of chats (tenant, chat key), locked until the transaction ends."""
        rows = await self._connection.fetch(OPEN_IN, [tenant for tenant, _ in chats], [key for _, key in chats])
        return [loaded(row) for row in rows]

    async def keep(self, sessions: Collection[Session]) -> None:
        """Store sessions that are new, and what changed in the others."""
        changed = [_changed(session) for session in sessions if not session.is_new]
        if changed:
            await self._connection.execute(CHANGE, changed)
        begun = [_begun(session) for session in sessions if session.is_new]
        if begun:
            await self._connection.execute(BEGIN_NEW, begun)

    async def get(self, tenant_id: str, session_id: str) -> Any:
        """Return one session as people read it; raise not_found."""
        row = await self._connection.fetchrow(ONE, tenant_id, session_id)
        if row is None:
            raise DomainError("not_found", "there is no such session")
        return row

    async def close(self, tenant_id: str, session_id: str, closing: Closing) -> Any:
        """End an open session; raise not_found, or invalid_state when it has ended already."""
        row = await self._connection.fetchrow(
            CLOSE,
            tenant_id,
            session_id,
            closing.reason,
            closing.at,
            closing.by,
            closing.notes,
            closing.resolves,
            closing.escalates,
        )
        if row is not None:
            return row
        status = await self._connection.fetchval(STATUS, tenant_id, session_id)
        if status is None:
            raise DomainError("not_found", "there is no such session")
        raise DomainError("invalid_state", "the session has ended already", current_state=status)


def _changed(session: Session) -> tuple[Any, ...]:
    """Return the fields of the type changed_session."""
    talk = session.talk
    return (
        session.tenant_id,
        session.id,
        session.status,
        session.end_reason,
        session.ended_at,
        session.ended_by,
        session.ended_unanswered,
        session.last_activity_at,
        session.timeout_at,
        session.messages_from_contact,
        session.messages_from_agent,
        talk.unread,
        session.first_message_at,
        session.last_message_at,
        session.first_contact_message_at,
        session.first_agent_response_at,
        session.first_human_response_at,
        talk.waiting_since,
        talk.waited_ms,
        f"{{{','.join(map(str, talk.keep()))}}}",
    )


def _begun(session: Session) -> tuple[Any, ...]:
    """Return the fields of the type begun_session."""
    return (
        *_changed(session),
        session.project_id,
        session.chat_key,
        session.contact_id,
        session.channel_id,
        session.channel_type,
        session.pipeline_id,
        session.started_at,
        session.timeout_minutes,
    )
