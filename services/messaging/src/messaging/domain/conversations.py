"""The chats of one batch: found by their key, or by the provider's id where the key is another one; begun where there is none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from messaging.domain.arrival import Arrival, Message, preview_of, status_on_arrival

Key = tuple[str, str]
Address = tuple[str, str, str | None]


class Place(Protocol):
    """Where a message belongs: its chat, as far as it can be told without looking."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def project_id(self) -> str: ...
    @property
    def chat_key(self) -> str: ...
    @property
    def chat_type(self) -> str: ...
    @property
    def chat_subject(self) -> str | None: ...
    @property
    def external_chat_id(self) -> str | None: ...
    @property
    def channel_id(self) -> str: ...
    @property
    def channel_type(self) -> str: ...
    @property
    def contact_id(self) -> str | None: ...


@dataclass(slots=True)
class Chat:
    """A chat that is not closed, as messages need it. `external_chat_id` is the newest id: the one that we send to.

    `has_met`: it was begun by an address, and now we know whose that is.
    """

    tenant_id: str
    id: str
    project_id: str
    chat_key: str
    channel_id: str
    channel_type: str
    chat_type: str
    contact_id: str | None
    external_chat_id: str | None
    external_ids: list[str]
    subject: str | None
    last_sequence: int = 0
    unread_count: int = 0
    read_at: datetime | None = None
    read_sequence: int = 0
    last_message_at: datetime | None = None
    last_message_sequence: int = 0
    last_message_id: str | None = None
    last_message_preview: str | None = None
    last_message_type: str | None = None
    last_message_inbound: bool | None = None
    last_inbound_at: datetime | None = None
    has_new_ids: bool = False
    is_new: bool = False
    has_met: bool = False
    cause: Any = None

    @property
    def address(self) -> Address:
        """Return by which address the provider knows it."""
        return (self.tenant_id, self.channel_id, self.external_chat_id)

    def next_sequence(self) -> int:
        """Return the number of the next message."""
        self.last_sequence += 1
        return self.last_sequence

    def take(self, message: Message) -> None:
        """Take in a message that arrived and was stored: newest text, unread count."""
        arrival = message.arrival
        self.show(message.id, message.place, arrival.content.kind, arrival.content.text, inbound=arrival.inbound)
        if arrival.inbound:
            if self.last_inbound_at is None or arrival.occurred_at > self.last_inbound_at:
                self.last_inbound_at = arrival.occurred_at
            if arrival.origin != "history" and not self.was_read_up_to(message):
                self.unread_count += 1

    def show(self, message_id: str, place: tuple[datetime, int], kind: str, text: str | None, *, inbound: bool) -> None:
        """Show a message as the last one, unless it stands before that."""
        if self.last_message_at is None or place > (self.last_message_at, self.last_message_sequence):
            self.last_message_at, self.last_message_sequence = place
            self.last_message_id = message_id
            self.last_message_preview = preview_of(text)
            self.last_message_type = kind
            self.last_message_inbound = inbound

    def was_read_up_to(self, message: Message) -> bool:
        """Tell whether the read mark stands at the message or after it."""
        return self.read_at is not None and message.place <= (self.read_at, self.read_sequence)


@dataclass(slots=True)
class Conversations:
    """Chats by id, key and address. Whatever a batch needs is loaded first, then each message is put in its chat."""

    _by_key: dict[Key, Chat] = field(default_factory=dict)
    _by_address: dict[Address, Chat] = field(default_factory=dict)
    _by_id: dict[Key, Chat] = field(default_factory=dict)
    _met: list[Chat] = field(default_factory=list)

    def remember(self, chats: Iterable[Chat]) -> None:
        """Note chats that exist."""
        for chat in chats:
            self._by_key[chat.tenant_id, chat.chat_key] = chat
            self._by_address[chat.address] = chat
            self._by_id[chat.tenant_id, chat.id] = chat

    def strangers(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Return the arrivals whose chat is not known by its key."""
        return [arrival for arrival in arrivals if (arrival.tenant_id, arrival.chat_key) not in self._by_key]

    def moved(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Return the arrivals whose address is not (yet) known to be that of their chat."""
        return [arrival for arrival in arrivals if _address_of(arrival) not in self._by_address]

    def with_id(self, tenant_id: str, chat_id: str) -> Chat | None:
        """Return the chat with that id, if it was loaded."""
        return self._by_id.get((tenant_id, chat_id))

    def with_key(self, tenant_id: str, chat_key: str) -> Chat | None:
        """Return the chat with that key, if there is one."""
        return self._by_key.get((tenant_id, chat_key))

    def with_address(self, tenant_id: str, channel_id: str, external_chat_id: str) -> Chat | None:
        """Return the chat that the provider knows by that id, if there is one."""
        return self._by_address.get((tenant_id, channel_id, external_chat_id))

    def place(self, arrival: Arrival, new_id: Callable[[], str]) -> Message:
        """Put a message in its chat, begun now where there is none."""
        chat = self.chat_of(arrival, arrival.heard, new_id)
        if chat.external_chat_id != arrival.external_chat_id:
            self._move(chat, arrival.external_chat_id, _address_of(arrival))
        if chat.contact_id is None and arrival.contact_id is not None and chat.chat_type == "individual":
            chat.contact_id, chat.has_met = arrival.contact_id, True
        chat.subject = chat.subject or arrival.chat_subject
        return Message(new_id(), chat.id, chat.chat_key, chat.next_sequence(), status_on_arrival(arrival), arrival)

    def chat_of(self, place: Place, cause: Any, new_id: Callable[[], str]) -> Chat:
        """Return the chat of a place, begun now where there is none."""
        key, address = (place.tenant_id, place.chat_key), _address_of(place)
        chat = self._by_key.get(key)
        if chat is None and place.external_chat_id is not None:
            chat = self._by_address.get(address)
        if chat is None:
            chat = _begin(place, new_id(), cause)
            self._met.append(chat)
            if place.external_chat_id is not None:
                self._by_address[address] = chat
        self._by_key[key] = chat
        return chat

    def _move(self, chat: Chat, external_chat_id: str, address: Address) -> None:
        """The provider calls a chat by another id now; two open chats never share one."""
        if external_chat_id not in chat.external_ids:
            chat.external_ids = [*chat.external_ids, external_chat_id]
            chat.has_new_ids = True
        if self._by_address.get(address, chat) is chat:
            self._by_address.pop(chat.address, None)
            chat.external_chat_id = external_chat_id
            self._by_address[address] = chat

    @property
    def met(self) -> Sequence[Chat]:
        """Return the chats that the batch began."""
        return self._met

    def of(self, messages: Iterable[Message]) -> Iterator[tuple[Message, Chat]]:
        """Yield stored messages with their chats."""
        by_id = {chat.id: chat for chat in self._by_key.values()}
        for message in messages:
            yield message, by_id[message.chat_id]


def _begin(place: Place, chat_id: str, cause: Any) -> Chat:
    external_chat_id = place.external_chat_id
    return Chat(
        place.tenant_id,
        chat_id,
        place.project_id,
        place.chat_key,
        place.channel_id,
        place.channel_type,
        place.chat_type,
        place.contact_id if place.chat_type == "individual" else None,
        external_chat_id,
        [] if external_chat_id is None else [external_chat_id],
        place.chat_subject,
        has_new_ids=True,
        is_new=True,
        cause=cause,
    )


def _address_of(place: Place) -> Address:
    return (place.tenant_id, place.channel_id, place.external_chat_id)


def resolve_replies(messages: Sequence[Message]) -> None:
    """Point answers at what they quote, where both came together. The rest is resolved where messages are kept."""
    by_key = {message.arrival.message_key: message.id for message in messages}
    for message in messages:
        arrival = message.arrival
        if arrival.reply_to_provider_id is not None:
            quoted = by_key.get((arrival.tenant_id, arrival.channel_id, arrival.reply_to_provider_id))
            message.reply_to_message_id = quoted if quoted != message.id else None
