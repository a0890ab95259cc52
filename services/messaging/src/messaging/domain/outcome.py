"""What became of a send, as channel-gateway or a person tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import DomainError

from messaging.domain.progress import Progress, Report, Tracked

MessageId = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """News of one send. An unknown outcome may come with the id that was reserved for it: receipts then find it."""

    tenant_id: str
    message_id: str
    channel_id: str
    report: Report
    provider_message_id: str | None = None
    provider_message_ref: str | None = None
    external_chat_id: str | None = None

    @property
    def key(self) -> MessageId:
        """Return which message it speaks of."""
        return (self.tenant_id, self.message_id)

    @property
    def provider_key(self) -> tuple[str, str, str | None]:
        """Return what the provider calls that message."""
        return (self.tenant_id, self.channel_id, self.provider_message_id)


@dataclass(frozen=True, slots=True)
class Twin:
    """A message of ours that its own echo had passed: the echo was stored as typed on the phone."""

    message: Tracked
    echo: Tracked


def identify(
    outcomes: Sequence[Outcome], messages: Mapping[MessageId, Tracked], known: Sequence[Tracked], progress: Progress
) -> list[Twin]:
    """Note what the provider calls our messages; return those that turn out to be stored twice.

    `known` are the messages that have such a name already. Raises already_exists where one is not the echo of ours.
    """
    by_key = {echo.message_key: echo for echo in known}
    twins = []
    for outcome in outcomes:
        message = messages[outcome.key]
        if outcome.provider_message_id is None or outcome.provider_message_id == message.provider_message_id:
            continue
        echo = by_key.pop(outcome.provider_key, None)
        if echo is not None:
            if echo.sender_kind != "phone":
                raise DomainError("already_exists", "another message has that id at the provider", existing_id=echo.id)
            progress.absorb(message, echo)
            twins.append(Twin(message, echo))
        progress.name(message, outcome.provider_message_id, outcome.provider_message_ref)
    return twins
