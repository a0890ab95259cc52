"""End a session by hand."""

from kernel.cause import Cause

from session.application.work import Row, Work
from session.domain.closing import Closing, end_reason


async def close_session(session_id: str, reason: str, notes: str | None, by: Cause, work: Work) -> Row:
    """End an open session and say so; return it as it is now. Raises not_found, or invalid_state when it has ended already."""
    closing = Closing(end_reason(reason), notes, by.actor, work.now)
    row = await work.sessions.close(by.tenant_id, session_id, closing)
    work.announcements.closed(row, by)
    return row
