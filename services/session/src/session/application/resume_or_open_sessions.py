"""Every message of a person belongs to an attendance: resume the open one, or open one."""

from collections.abc import Sequence

from session.application.work import Work
from session.domain.attendance import Message
from session.domain.open_sessions import OpenSessions, chats_with_sessions
from session.domain.timeouts import Timeouts


async def resume_or_open_sessions(messages: Sequence[Message], work: Work) -> None:
    """Place each message in its session and announce it; messages of groups pass without one.

    Two batches may open a session of one chat at once: the unique key of open sessions decides, and the loser is repeated.
    """
    chats = chats_with_sessions(messages)
    sessions = OpenSessions.of(await work.sessions.open_in(chats) if chats else ())
    timeouts = await work.timeouts.of(messages) if sessions.may_begin(messages) else Timeouts()
    places = [sessions.place(message, work.new_id, timeouts) for message in messages]
    await work.sessions.keep(sessions.touched.values())
    await work.chats.name(place.ended for place in places if place.ended)

    for message, place in zip(messages, places, strict=True):
        if place.ended is not None:
            work.announcements.timed_out(place.ended, message)
        if place.started and place.session is not None:
            work.announcements.started(place.session, message)
        work.announcements.message_recorded(message, place)
