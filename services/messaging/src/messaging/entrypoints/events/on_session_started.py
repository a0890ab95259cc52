"""A session began: what is sent in its chat belongs to it."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.session.started_v1 import SessionStartedV1

from messaging.application.follow_sessions import note_begun_sessions
from messaging.application.work import Work
from messaging.entrypoints.events.followed import session_news

HEARS = SessionStartedV1


async def on_session_started(events: Sequence[Event[SessionStartedV1]], work: Work) -> None:
    """Take in which sessions are open."""
    await note_begun_sessions([session_news(event, event.data.started_at) for event in events], work)
