"""What we sent belongs to the attendance too: it counts, and where somebody of ours speaks, it answers."""

from collections.abc import Sequence

from session.application.work import Work
from session.domain.attendance import Message
from session.domain.open_sessions import OpenSessions, chats_with_sessions
from session.domain.timeouts import Timeouts


async def count_sent_messages(messages: Sequence[Message], work: Work) -> None:
    """Count each in the session that is open in its chat, if any. One past the deadline ends the session; none opens one."""
    chats = chats_with_sessions(messages)
    if not chats:
        return
    sessions = OpenSessions.of(await work.sessions.open_in(chats))
    places = [sessions.place(message, work.new_id, Timeouts()) for message in messages]
    await work.sessions.keep(sessions.touched.values())
    await work.chats.name(place.ended for place in places if place.ended)
    for message, place in zip(messages, places, strict=True):
        if place.ended is not None:
            work.announcements.timed_out(place.ended, message)
