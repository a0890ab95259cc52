"""Keep which session of a chat is open."""

from collections.abc import Sequence

from messaging.application.work import Work
from messaging.domain.projected import SessionNews


async def note_begun_sessions(sessions: Sequence[SessionNews], work: Work) -> None:
    """Take in that sessions began; one whose end was heard of before stays ended."""
    await work.open_sessions.open(_each_once(sessions))


async def note_ended_sessions(sessions: Sequence[SessionNews], work: Work) -> None:
    """Take in that sessions ended."""
    await work.open_sessions.end(_each_once(sessions))


def _each_once(sessions: Sequence[SessionNews]) -> list[SessionNews]:
    return list({(session.tenant_id, session.id): session for session in sessions}.values())
