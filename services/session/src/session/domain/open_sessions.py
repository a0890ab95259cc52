"""The open sessions of the chats of one batch, at most one for each chat, and what the batch does to them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from session.domain.attendance import Message, Session, begin
from session.domain.timeouts import Timeouts

ENDED_BY = "system:session"


class Place(NamedTuple):
    """Where a message came to lie, and what its coming did: `ended` is the session that its time showed to be over."""

    session: Session | None = None
    number: int | None = None
    started: bool = False
    ended: Session | None = None


NOWHERE = Place()


@dataclass(slots=True)
class OpenSessions:
    """By tenant and chat; `place` changes them as it goes, `touched` are those that must be written."""

    _by_chat: dict[tuple[str, str], Session] = field(default_factory=dict)
    touched: dict[str, Session] = field(default_factory=dict)

    @classmethod
    def of(cls, sessions: Iterable[Session]) -> "OpenSessions":
        """Return the open sessions as loaded."""
        return cls({(session.tenant_id, session.chat_key): session for session in sessions})

    def may_begin(self, messages: Iterable[Message]) -> bool:
        """Tell whether any of these may open a session. Deadlines only move on, so what is within them as loaded stays within."""
        return any(each.belongs_in_a_session and self._is_new_ground(each) for each in messages)

    def _is_new_ground(self, message: Message) -> bool:
        session = self._by_chat.get((message.tenant_id, message.chat_key))
        return session is None or session.is_over_for(message)

    def place(self, message: Message, new_id: Callable[[], str], timeouts: Timeouts) -> Place:
        """Find the session of a message, ending what is over and beginning what an inbound message asks for."""
        if not message.belongs_in_a_session:
            return NOWHERE
        chat = (message.tenant_id, message.chat_key)
        session = self._by_chat.get(chat)
        if session is not None and message.is_older_than(session):
            return NOWHERE
        ended = None
        if session is not None and session.is_over_for(message):
            session.time_out(ENDED_BY)
            self.touched[session.id] = ended = session
            del self._by_chat[chat]
            session = None
        started = session is None and message.inbound and timeouts.let_begin(message)
        if started:
            session = self._by_chat[chat] = begin(message, new_id(), timeouts.of(message))
        if session is None:
            return Place(ended=ended)
        self.touched[session.id] = session
        return Place(session, session.count(message), started, ended)


def chats_with_sessions(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Return tenant and chat key of every chat that may have a session, sorted so that two batches lock alike."""
    return sorted({(each.tenant_id, each.chat_key) for each in messages if each.belongs_in_a_session})
