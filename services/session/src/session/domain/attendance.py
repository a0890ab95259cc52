"""One attendance of one contact on one chat: its counts, its times, its deadline.

All times are the provider's, except that the deadline counts from our clock where the provider's is far from it: a backlog
after an outage must not time out at once. Everything here follows from the messages alone, so it can be recomputed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from session.domain.talk import Talk

TRUSTED_SKEW = timedelta(minutes=5)

# What the product sends by itself counts as a message of ours, but it answers nobody.
AUTOMATIC_SOURCES = frozenset(("broadcast", "campaign", "csat", "scheduled", "sequence", "system", "test", "trigger"))
HUMAN_SOURCES = frozenset(("manual", "phone"))


class Message(NamedTuple):
    """A message as far as sessions care. `heard` is what was heard, handed on untouched.

    `sent_in` is set for what we sent ourselves: such messages come apart from the line, later than what came after them. It is the
    session that was open when they were written, or empty where there was none or nobody knew.
    """

    tenant_id: str
    project_id: str
    chat_key: str
    chat_type: str
    channel_id: str
    channel_type: str
    contact_id: str | None
    pipeline_id: str | None
    channel_minutes: int | None
    inbound: bool
    source: str | None
    origin: str
    occurred_at: datetime
    received_at: datetime
    heard: Any = None
    sent_in: str | None = None

    @property
    def counted_at(self) -> datetime:
        """Return the time that moves the deadline: the provider's within 5 minutes of ours, otherwise ours."""
        near = abs(self.occurred_at - self.received_at) <= TRUSTED_SKEW
        return self.occurred_at if near else self.received_at

    @property
    def belongs_in_a_session(self) -> bool:
        """Tell whether sessions care at all: groups and channels have none, imported history is cut into them elsewhere."""
        return self.chat_type == "individual" and self.origin != "history" and self.contact_id is not None

    @property
    def answers(self) -> bool:
        """Tell whether somebody of ours speaks here, and not a rule."""
        return not self.inbound and self.source not in AUTOMATIC_SOURCES

    def is_older_than(self, session: "Session") -> bool:
        """Tell whether we sent this before the session began, for another one or for none."""
        return self.sent_in is not None and self.sent_in != session.id and self.occurred_at < session.started_at


@dataclass(slots=True)
class Session:
    """A session as the line needs it."""

    tenant_id: str
    id: str
    project_id: str
    chat_key: str
    contact_id: str
    channel_id: str
    channel_type: str
    pipeline_id: str | None
    started_at: datetime
    last_activity_at: datetime
    timeout_minutes: int
    timeout_at: datetime
    status: str = "active"
    end_reason: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_unanswered: bool = False
    messages_from_contact: int = 0
    messages_from_agent: int = 0
    first_message_at: datetime | None = None
    last_message_at: datetime | None = None
    first_contact_message_at: datetime | None = None
    first_agent_response_at: datetime | None = None
    first_human_response_at: datetime | None = None
    talk: Talk = field(default_factory=Talk)
    chat_id: str | None = None
    is_new: bool = False

    @property
    def message_count(self) -> int:
        """Return how many messages the session has, from both sides."""
        return self.messages_from_contact + self.messages_from_agent

    def is_over_for(self, message: Message) -> bool:
        """Tell whether the message's own time lies past the deadline."""
        return message.counted_at > self.timeout_at

    def count(self, message: Message) -> int:
        """Take a message in; return its number within the session."""
        at = message.occurred_at
        self.last_activity_at = max(self.last_activity_at, message.counted_at)
        self.timeout_at = self.last_activity_at + timedelta(minutes=self.timeout_minutes)
        self.first_message_at = _earlier(self.first_message_at, at)
        self.last_message_at = at if self.last_message_at is None else max(self.last_message_at, at)
        if message.inbound:
            self.messages_from_contact += 1
            self.first_contact_message_at = _earlier(self.first_contact_message_at, at)
            self.talk.take(at, answers=False)
        else:
            self.messages_from_agent += 1
            if message.answers:
                self._answer(message)
        return self.message_count

    def _answer(self, message: Message) -> None:
        at = message.occurred_at
        self.first_agent_response_at = _earlier(self.first_agent_response_at, at)
        if message.source in HUMAN_SOURCES:
            self.first_human_response_at = _earlier(self.first_human_response_at, at)
        self.talk.take(at, answers=True)

    def time_out(self, by: str) -> None:
        """End at the deadline, however late that is noticed."""
        self.status, self.end_reason, self.ended_by = "ended", "inactivity_timeout", by
        self.ended_at = max(self.timeout_at, self.started_at)
        self.ended_unanswered = self.talk.waiting_since is not None


def begin(message: Message, session_id: str, minutes: int) -> Session:
    """Open the session that an inbound message asks for, with this timeout; the message is not counted yet."""
    assert message.contact_id is not None, "somebody wrote it"
    counted = message.counted_at
    return Session(
        message.tenant_id,
        session_id,
        message.project_id,
        message.chat_key,
        message.contact_id,
        message.channel_id,
        message.channel_type,
        message.pipeline_id,
        # A provider's clock far ahead of ours would let a session end before it started.
        started_at=min(message.occurred_at, counted),
        last_activity_at=counted,
        timeout_minutes=minutes,
        timeout_at=counted + timedelta(minutes=minutes),
        is_new=True,
    )


def response_seconds(first_contact_message_at: datetime | None, first_response_at: datetime | None) -> int | None:
    """Return how long the first answer took, or None where either is missing."""
    if first_contact_message_at is None or first_response_at is None:
        return None
    return max(0, (first_response_at - first_contact_message_at) // timedelta(seconds=1))


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
