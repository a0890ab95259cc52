"""What receipts do to messages. A receipt of our message moves its status; one of theirs says that we read it elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from messaging.domain.status import after, comes_too_late, status_of_level

READ_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message will not arrive, in words of the API and in words for people."""

    code: str
    message: str


FAILED_BY_ACK = Failure("acked_error", "the provider reported that the message could not be sent")


@dataclass(frozen=True, slots=True)
class Ack:
    """One receipt. `heard` is what was heard."""

    tenant_id: str
    project_id: str
    channel_id: str
    provider_message_id: str
    from_me: bool
    level: int
    at: datetime
    heard: Any = None

    @property
    def message_key(self) -> tuple[str, str, str]:
        """Return which message it speaks of."""
        return (self.tenant_id, self.channel_id, self.provider_message_id)

    @property
    def says_something(self) -> bool:
        """Tell whether it can change anything: pending says nothing new, and an unknown level nothing at all."""
        return self.level != 0 and status_of_level(self.level) is not None

    @property
    def is_worth_waiting(self) -> bool:
        """Tell whether it is kept until its message comes: of theirs, only that we read it matters."""
        return self.from_me or self.level >= READ_LEVEL


@dataclass(slots=True)
class Acknowledged:
    """A stored message as receipts need it."""

    tenant_id: str
    id: str
    chat_id: str
    chat_key: str
    channel_id: str
    provider_message_id: str
    contact_id: str | None
    session_id: str | None
    inbound: bool
    source: str | None
    status: str
    timestamp: datetime
    sequence: int
    times: dict[str, datetime] = field(default_factory=dict)
    late_ack: str | None = None
    late_ack_at: datetime | None = None

    @property
    def message_key(self) -> tuple[str, str, str]:
        """Return what receipts call it."""
        return (self.tenant_id, self.channel_id, self.provider_message_id)


@dataclass(frozen=True, slots=True)
class Rise:
    """A step forward of one message, and what proved it."""

    message: Acknowledged
    previous: str
    status: str
    at: datetime
    heard: Any


@dataclass(slots=True)
class Receipts:
    """What a batch of receipts did, taken one after the other."""

    rises: list[Rise] = field(default_factory=list)
    changed: dict[str, Acknowledged] = field(default_factory=dict)
    read: dict[str, Acknowledged] = field(default_factory=dict)

    def take(self, ack: Ack, message: Acknowledged) -> None:
        """Apply one receipt."""
        reported = status_of_level(ack.level)
        if reported is None:
            return
        if message.inbound:
            if ack.level >= READ_LEVEL:
                self._read_up_to(message)
            return
        status = after(message.status, reported)
        if status != message.status:
            self.rises.append(Rise(message, message.status, status, ack.at, ack.heard))
            message.status = status
            message.times[status] = ack.at
            self.changed[message.id] = message
        elif comes_too_late(message.status, reported):
            message.late_ack, message.late_ack_at = reported, ack.at
            self.changed[message.id] = message

    def _read_up_to(self, message: Acknowledged) -> None:
        furthest = self.read.get(message.chat_id)
        if furthest is None or (message.timestamp, message.sequence) > (furthest.timestamp, furthest.sequence):
            self.read[message.chat_id] = message


def receipts_of(acks: Iterable[Ack], messages: Sequence[Acknowledged]) -> tuple[Receipts, list[Ack]]:
    """Apply receipts in their order; return what they did, and those whose message is not known."""
    by_key = {message.message_key: message for message in messages}
    receipts = Receipts()
    unknown = []
    for ack in acks:
        message = by_key.get(ack.message_key)
        if message is None:
            unknown.append(ack)
        else:
            receipts.take(ack, message)
    return receipts, unknown
