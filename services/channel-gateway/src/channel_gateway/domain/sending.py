"""A message on its way to the provider, and how its state changes.

pending → sending → accepted | rejected | unknown; unknown → accepted | rejected by evidence, or → sending again with the same
reserved id. The table's CHECKs hold the same machine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from kernel.backoff import doubled_s

from channel_gateway.domain.send_outcomes import Outcome

AttemptState = Literal["pending", "sending", "accepted", "rejected", "unknown"]
HowKnown = Literal["answer", "own_message", "history", "ack", "person"]

PRIORITIES = ("high", "normal", "low")
HIGH, NORMAL, LOW = range(3)
SENDABLE = ("text",)
"""The kinds of content that this release sends."""

MOST_FAILURES = 5
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
DEFAULT_LIFE = timedelta(hours=24)
RESTRICTED_FOR = timedelta(hours=1)
"""How long new chats rest where WhatsApp does not say until when."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The request's event, for those that follow from it."""

    event_id: str
    correlation_id: str
    actor: str
    hop: int = 0
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a send will not be: `code` is one of the API's failure codes; `permanent`: a repeat would fail likewise."""

    code: str
    reason: str
    permanent: bool


NO_ADDRESS = Refusal("no_address", "the message names no address", permanent=True)
UNKNOWN_CHANNEL = Refusal("channel_disconnected", "there is no such channel", permanent=True)
CHANNEL_GONE = Refusal("channel_disconnected", "the channel was switched off", permanent=False)
EXPIRED = Refusal("expired", "it could not be sent in time", permanent=False)
CANCELLED = Refusal("cancelled", "withdrawn before it was sent", permanent=True)
NOT_ON_WHATSAPP = Refusal("not_on_whatsapp", "there is no WhatsApp account at this number", permanent=True)


def not_sendable(kind: str) -> Refusal:
    """Return the refusal of a kind of content."""
    return Refusal("not_supported_by_channel", f"messages of kind {kind} cannot be sent yet", permanent=True)


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What messaging asks for. `refusal` where it is clear at once that it cannot be."""

    tenant_id: str
    project_id: str
    message_id: str
    channel_id: str
    chat_key: str
    external_chat_id: str | None
    phone: str | None
    content_type: str
    text: str | None = field(repr=False)
    priority: int
    queued_at: datetime
    expires_at: datetime
    heard: Heard
    reply_to_id: str | None = None
    reply_to_ref: str | None = None
    mentions: tuple[str, ...] = ()
    link_preview: bool = True
    first_contact: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A person's wish that a message be not sent."""

    tenant_id: str
    project_id: str
    message_id: str
    channel_id: str
    chat_key: str
    heard: Heard


@dataclass(frozen=True, slots=True)
class Attempt:
    """A stored send. `attempts` counts the calls that were begun: an outcome belongs to one of them only."""

    tenant_id: str
    project_id: str
    message_id: str
    channel_id: str
    chat_key: str
    external_chat_id: str | None
    phone: str | None
    content_type: str
    text: str | None = field(repr=False)
    priority: int
    state: AttemptState
    attempts: int
    failures: int
    provider_id: str | None
    provider_ref: str | None
    id_reserved: bool
    queued_at: datetime
    expires_at: datetime
    sending_at: datetime | None
    unknown_since: datetime | None
    looks: int
    last_error: str | None
    heard: Heard
    reply_to_id: str | None = None
    reply_to_ref: str | None = None
    mentions: tuple[str, ...] = ()
    link_preview: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of an attempt. `call`: only if that call is still the last one; None: whichever was.

    `…_in_s` count from the moment when it is stored. A refused one names its `refusal`, an accepted one `evidence`, id and time.
    """

    tenant_id: str
    message_id: str
    state: AttemptState
    call: int | None = None
    reason: str | None = None
    refusal: Refusal | None = None
    evidence: HowKnown | None = None
    provider_id: str | None = None
    provider_ref: str | None = None
    at: datetime | None = None
    counts: bool = False
    due_in_s: float = 0.0
    holds_chat_s: float = 0.0
    look_in_s: float | None = None
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds.

    `looks_s`: when evidence for an unknown send is looked for, after it became unknown; after `repeat_after` looks that found
    nothing, one with a reserved id is sent again. `hold_s`: how long its chat, and own messages in it, wait.
    `longest_blind_s`: so long at most until a provider that is away is asked again.
    """

    looks_s: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 900.0)
    repeat_after: int = 3
    hold_s: float = 60.0
    longest_blind_s: float = 60.0
    window_s: float = 120.0

    def holds_chat_s(self, *, id_reserved: bool) -> float:
        """Return for how long the later sends of an unknown one's chat wait, at most.

        One that may be repeated goes first: what is decided by a look ends the wait.
        """
        return DEFAULT_LIFE.total_seconds() if id_reserved else self.hold_s

    def next_look_s(self, looks: int) -> float | None:
        """Return the seconds from look number `looks` (from 1) to the next; None after the last."""
        if looks >= len(self.looks_s):
            return None
        return self.looks_s[looks] - self.looks_s[looks - 1]

    def blind_again_s(self, waited_s: float) -> float:
        """Return when a provider that was away is asked again, after `waited_s` without an outcome: as long again, at most."""
        return min(max(waited_s, self.looks_s[0]), self.longest_blind_s)


def change_of(attempt: Attempt, outcome: Outcome, patience: Patience, rand: Callable[[], float]) -> Change:
    """Return what the outcome of a call makes of its attempt. `rand` gives numbers in [0, 1)."""
    change = Change(attempt.tenant_id, attempt.message_id, "pending", call=attempt.attempts, reason=outcome.reason)
    if outcome.verdict == "accepted":
        return replace(
            change,
            state="accepted",
            reason=None,
            evidence="answer",
            provider_id=outcome.provider_id,
            provider_ref=outcome.provider_ref,
        )
    if outcome.verdict == "refused" or _gives_up(attempt, outcome):
        refusal = Refusal(outcome.code, outcome.reason, permanent=outcome.permanent)
        return replace(change, state="rejected", refusal=refusal, counts=True)
    holds_chat_s = patience.holds_chat_s(id_reserved=attempt.id_reserved)
    unknown = replace(change, state="unknown", counts=True, holds_chat_s=holds_chat_s, look_in_s=patience.looks_s[0])
    if outcome.verdict == "unknown":
        return unknown
    due_in_s = max(retry_s(attempt.failures, rand), outcome.pause_s or 0.0)
    if attempt.unknown_since is not None:
        # This call has not left, but an earlier one may have: evidence is looked for once more before the next.
        return replace(unknown, counts=outcome.counts, look_in_s=due_in_s, looks=attempt.looks)
    return replace(change, counts=outcome.counts, due_in_s=due_in_s)


def retry_s(failures: int, rand: Callable[[], float]) -> float:
    """Return the wait after `failures` earlier failures: 1 s doubling up to 60 s, shortened at random by up to half."""
    return doubled_s(FIRST_RETRY_S, failures, LONGEST_RETRY_S) * (1 - rand() / 2)


def _gives_up(attempt: Attempt, outcome: Outcome) -> bool:
    """Nobody gives up because the server is away: then the channel is, and its sends wait for it."""
    last = attempt.failures + 1 >= MOST_FAILURES
    return (
        outcome.verdict == "wait" and outcome.counts and last and outcome.trouble is None and not attempt.unknown_since
    )
