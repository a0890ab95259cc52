"""What receipts do to messages. A receipt of our message moves its status; one of theirs says that we read it elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.domain.progress import FAILED_BY_ACK, Progress, Report, Tracked
from messaging.domain.status import status_of_level

READ_LEVEL = 3


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


def take_receipt(progress: Progress, message: Tracked, level: int, at: datetime, cause: Any) -> None:
    """Apply one receipt to the message that it speaks of."""
    reported = status_of_level(level)
    if reported is None:
        return
    if not message.inbound:
        failure = FAILED_BY_ACK if reported == "failed" else None
        progress.report(message, Report(reported, at, cause, failure, {"evidence": "ack"}))
    elif level >= READ_LEVEL:
        progress.read_up_to(message)


def receipts_of(acks: Iterable[Ack], messages: Sequence[Tracked]) -> tuple[Progress, list[Ack]]:
    """Apply receipts in their order; return what they did, and those whose message is not known."""
    by_key = {message.message_key: message for message in messages}
    progress = Progress()
    unknown = []
    for ack in acks:
        message = by_key.get(ack.message_key)
        if message is None:
            unknown.append(ack)
        else:
            take_receipt(progress, message, ack.level, ack.at, ack.heard)
    return progress, unknown
