"""How far messages of ours have come, as reports tell it: receipts, outcomes of sends, people."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from messaging.domain.status import ACCEPTED, after, comes_too_late, further


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message will not arrive, in words of the API and in words for people."""

    code: str
    message: str
    retryable: bool = True


FAILED_BY_ACK = Failure("acked_error", "the provider reported that the message could not be sent")


@dataclass(frozen=True, slots=True)
class Report:
    """Somebody says that a message has come to `status`. `cause` is what was heard, or who asked.

    `detail` tells a person more (JSON values): how it is known, how many attempts it took, what went wrong.
    """

    status: str
    at: datetime
    cause: Any
    failure: Failure | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Tracked:
    """A stored message as reports need it. `content` (JSON) is there as long as nobody was told that it was sent."""

    tenant_id: str
    id: str
    project_id: str
    chat_id: str
    chat_key: str
    channel_id: str
    provider_message_id: str | None
    provider_message_ref: str | None
    contact_id: str | None
    session_id: str | None
    inbound: bool
    sender_kind: str
    sender_id: str | None
    source: str | None
    status: str
    timestamp: datetime
    sequence: int
    sent_at: datetime | None
    late_ack: str | None
    content: str | None
    chat_has_address: bool = True
    times: dict[str, datetime] = field(default_factory=dict)
    failure: Failure | None = None
    late_ack_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return which message it is. Speakers of other services mint ids, so only the tenant makes them unique."""
        return (self.tenant_id, self.id)

    @property
    def message_key(self) -> tuple[str, str, str | None]:
        """Return what the provider's reports call it."""
        return (self.tenant_id, self.channel_id, self.provider_message_id)

    @property
    def was_announced(self) -> bool:
        """Tell whether everybody has been told that it was sent."""
        return self.sent_at is not None


@dataclass(frozen=True, slots=True)
class Rise:
    """A step forward of one message, and what proved it."""

    message: Tracked
    previous: str
    status: str
    report: Report


@dataclass(slots=True)
class Progress:
    """What a batch of reports did, taken one after the other. `late`: reports after the end, which are kept."""

    rises: list[Rise] = field(default_factory=list)
    late: list[tuple[Tracked, Report]] = field(default_factory=list)
    changed: dict[tuple[str, str], Tracked] = field(default_factory=dict)
    read: dict[str, Tracked] = field(default_factory=dict)

    def report(self, message: Tracked, report: Report) -> None:
        """Apply one report about a message of ours.

        Whatever proves that it was accepted proves that it was sent: everybody is told so once, by the first proof.
        """
        if report.status in ACCEPTED and after(message.status, report.status) != message.status:
            if not message.was_announced:
                self._rise(message, "sent", report)
                message.sent_at = report.at
            if report.status != message.status:
                self._rise(message, report.status, report)
        elif after(message.status, report.status) != message.status:
            message.failure = report.failure
            self._rise(message, report.status, report)
        elif comes_too_late(message.status, report.status):
            message.late_ack = further(message.late_ack, report.status)
            if message.late_ack == report.status:
                message.late_ack_at = report.at
            self.late.append((message, report))
            self.changed[message.key] = message

    def _rise(self, message: Tracked, status: str, report: Report) -> None:
        self.rises.append(Rise(message, message.status, status, report))
        message.status = status
        message.times[status] = report.at
        self.changed[message.key] = message

    def name(self, message: Tracked, provider_message_id: str, provider_message_ref: str | None) -> None:
        """Note what the provider calls a message of ours."""
        message.provider_message_id = provider_message_id
        message.provider_message_ref = provider_message_ref or message.provider_message_ref
        self.changed[message.key] = message

    def absorb(self, message: Tracked, echo: Tracked) -> None:
        """Take over how far a message has come whose own echo was taken for one typed on the phone.

        Nobody is told: all that the echo went through was announced already, under its own id.
        """
        at = echo.sent_at or echo.timestamp
        status = after(message.status, echo.status)
        if status != message.status:
            message.status = status
            message.failure = FAILED_BY_ACK if status == "failed" else None
            message.times["sent"] = message.times[status] = at
        elif comes_too_late(message.status, echo.status):
            message.late_ack, message.late_ack_at = further(message.late_ack, echo.status), at
        message.sent_at = message.sent_at or at
        self.changed[message.key] = message

    def read_up_to(self, message: Tracked) -> None:
        """Note that we read somebody else's message on another device: its chat was read up to there."""
        furthest = self.read.get(message.chat_id)
        if furthest is None or (message.timestamp, message.sequence) > (furthest.timestamp, furthest.sequence):
            self.read[message.chat_id] = message
