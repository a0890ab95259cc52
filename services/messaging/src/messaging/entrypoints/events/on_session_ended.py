"""A session ended: what is sent in its chat belongs to none."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.session.ended_v1 import SessionEndedV1

from messaging.application.follow_sessions import note_ended_sessions
from messaging.application.work import Work
from messaging.entrypoints.events.followed import session_news

HEARS = SessionEndedV1


async def on_session_ended(events: Sequence[Event[SessionEndedV1]], work: Work) -> None:
    """Take in which sessions are open no more."""
    await note_ended_sessions([session_news(event, event.data.started_at) for event in events], work)
