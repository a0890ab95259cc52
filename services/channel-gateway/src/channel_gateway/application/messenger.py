"""What sending asks of a provider. Every call is made outside of any transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from channel_gateway.domain.evidence import OwnMessage
from channel_gateway.domain.send_outcomes import Answer
from channel_gateway.domain.sending import Attempt


@dataclass(frozen=True, slots=True)
class Server:
    """Where a channel's provider is. The key goes nowhere else."""

    base_url: str
    session: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Engine:
    """What a provider says of itself. `reserves_ids`: a message id can be had before the send."""

    name: str | None
    version: str | None
    reserves_ids: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A provider session: its status in the provider's words, our own number, and its whole configuration."""

    status: str
    own_number: str | None
    engine: str | None
    config: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a provider reaches us for one channel."""

    channel_id: str
    url: str
    key: str = field(repr=False)


class CallFailed(Exception):  # noqa: N818 - named for what happened
    """A call other than a send did not succeed; `answer` says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class Messenger(Protocol):
    """A provider's sending side. Sends return their answer; everything else raises CallFailed."""

    async def send(self, server: Server, attempt: Attempt) -> Answer:
        """Send a message, with the id reserved for it."""

    async def engine(self, server: Server) -> Engine:
        """Ask which engine runs there."""

    async def reserve(self, server: Server) -> str | None:
        """Return a message id for a later send; None where the engine has none to give after all."""

    async def address_of(self, server: Server, phone: str) -> str | None:
        """Return the chat of a phone, None where it is not on WhatsApp."""

    async def message(self, server: Server, chat: str, provider_id: str) -> OwnMessage | None:
        """Return a message by its id, None where the provider knows that there is none."""

    async def own_messages(self, server: Server, chat: str, since: datetime) -> Sequence[OwnMessage]:
        """Return what our number sent in a chat since then."""

    async def close(self) -> None:
        """Close all connections."""


class ProviderSessions(Protocol):
    """A provider's sessions. Everything raises CallFailed."""

    async def session(self, server: Server) -> Session | None:
        """Return the channel's session, None where there is none."""

    async def open_session(self, server: Server, webhook: Webhook) -> None:
        """Create and start the session, with our webhook."""

    async def configure(self, server: Server, session: Session, webhook: Webhook) -> bool:
        """Let the session know our webhook, keeping its other settings; False where it does already."""

    async def start(self, server: Server) -> None:
        """Start the session."""

    async def restart(self, server: Server) -> None:
        """Stop and start the session; its pairing stays."""

    async def stop(self, server: Server) -> None:
        """Stop the session; its pairing stays. One that is not there has stopped."""
