"""A message that we are to send: queued, or refused and kept as failed."""

from dataclasses import dataclass
from datetime import datetime

from messaging.domain.conversations import Chat
from messaging.domain.reaching import Address
from messaging.domain.sending_rules import Circumstances, Quoted, Refusal
from messaging.domain.wish import Wish


@dataclass(frozen=True, slots=True)
class ChatPlace:
    """The chat to which a wish belongs, where it has to be begun."""

    tenant_id: str
    project_id: str
    chat_key: str
    chat_type: str
    channel_id: str
    channel_type: str
    contact_id: str | None
    external_chat_id: str | None
    chat_subject: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message with its place in its chat. `event_id` is that of the event which tells of it."""

    wish: Wish
    chat: Chat
    sequence: int
    queued_at: datetime
    expires_at: datetime
    event_id: str
    address: Address | None
    quoted: Quoted | None
    session_id: str | None
    refusal: Refusal | None
    channel_status: str | None

    @property
    def status(self) -> str:
        """Return the status with which it is stored."""
        return "queued" if self.refusal is None else "failed"

    @property
    def is_first_contact(self) -> bool:
        """Tell whether nobody has ever written to us in that chat."""
        return self.chat.last_inbound_at is None


def place_of(case: Circumstances) -> ChatPlace | None:
    """Return where the chat of a wish would have to be begun; None where it is not said on which channel, or with whom."""
    wish, address = case.wish, case.address
    chat_key = wish.wanted_chat_key
    if chat_key is None or wish.channel_id is None:
        return None
    external_chat_id = (address.external_chat_id if address else None) or wish.external_chat_id
    return ChatPlace(
        wish.tenant_id,
        wish.project_id,
        chat_key,
        "group" if (external_chat_id or "").endswith("@g.us") else "individual",
        wish.channel_id,
        case.channel.type if case.channel else "unknown",
        wish.contact_id,
        external_chat_id,
    )
