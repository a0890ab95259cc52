"""Who is behind an address: recognising senders, and meeting those whom nobody has met.

An identity is looked for on the same channel first, then on any channel of the project, then by its phone key; only then is it
a stranger's. All identities of one message are tried together, and belong to one person afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from contact.domain.channel_identity import Identity

UNNAMED = "WhatsApp user"

Key = tuple[str, ...]


class Sender(NamedTuple):
    """Somebody who wrote, or was written to from the phone. `heard` is the message as heard, handed on untouched."""

    tenant_id: str
    project_id: str
    channel_id: str
    channel_type: str
    identities: tuple[Identity, ...]
    push_name: str | None
    occurred_at: datetime
    evidence: str
    heard: Any


@dataclass(slots=True)
class Known:
    """A contact as far as the line needs it. `phone_keys` and `handles` are what it can be recognised by."""

    tenant_id: str
    project_id: str
    id: str
    name: str
    name_source: str
    language: str | None = None
    version: int = 1
    deleted: bool = False
    is_new: bool = False
    phone: str | None = None
    channel_type: str | None = None
    first_seen: Sender | None = None
    renamed_from: str | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An identity that now belongs to a contact."""

    contact: Known
    identity: Identity
    sender: Sender


@dataclass(slots=True)
class AddressBook:
    """What is known about the senders of one batch; `place` adds to it as it goes."""

    _by_key: dict[Key | None, Known] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    met: list[Known] = field(default_factory=list)

    def remember(self, contact: Known, channel_id: str | None, identity: Identity) -> None:
        """Note an identity that a contact has already."""
        self._index(contact, channel_id, identity)

    def remember_phone(self, contact: Known, key: str) -> None:
        """Note a phone number that people entered for a contact."""
        self._by_key.setdefault(("phone", contact.tenant_id, contact.project_id, key), contact)

    def place(self, sender: Sender, new_id: Callable[[], str]) -> Known:
        """Return the contact behind a sender, met now if it is a stranger; link the identities that are new to it."""
        contact = self._recognise(sender) or self._meet(sender, new_id)
        for identity in sender.identities:
            exactly = _exactly(sender.tenant_id, sender.project_id, sender.channel_id, identity)
            if exactly not in self._by_key:
                self.links.append(Link(contact, identity, sender))
                self._index(contact, sender.channel_id, identity)
            if contact.is_new:
                contact.phone = contact.phone or identity.phone
        _call_by_name(contact, sender)
        if contact.last_seen_at is None or sender.occurred_at > contact.last_seen_at:
            contact.last_seen_at = sender.occurred_at
        return contact

    def _recognise(self, sender: Sender) -> Known | None:
        """Return who answers to the strongest key: that of every identity before the next weaker ones."""
        for key_of in (_exactly, _anywhere, _phone):
            for identity in sender.identities:
                key = key_of(sender.tenant_id, sender.project_id, sender.channel_id, identity)
                if key in self._by_key:
                    return self._by_key[key]
        return None

    def _meet(self, sender: Sender, new_id: Callable[[], str]) -> Known:
        phone = next((identity.phone for identity in sender.identities if identity.phone), None)
        contact = Known(
            sender.tenant_id,
            sender.project_id,
            new_id(),
            name=phone or UNNAMED,
            name_source="provider",
            is_new=True,
            phone=phone,
            channel_type=sender.channel_type,
            first_seen=sender,
        )
        self.met.append(contact)
        return contact

    def _index(self, contact: Known, channel_id: str | None, identity: Identity) -> None:
        for key_of in (_exactly, _anywhere, _phone):
            key = key_of(contact.tenant_id, contact.project_id, channel_id, identity)
            if key is not None:
                self._by_key.setdefault(key, contact)


def _call_by_name(contact: Known, sender: Sender) -> None:
    """A push name fills an unnamed contact and replaces an earlier push name; what a person entered stays."""
    name = (sender.push_name or "").strip()
    if not name or contact.name_source not in ("push", "provider") or name == contact.name:
        return
    if contact.renamed_from is None:
        contact.renamed_from = contact.name
    contact.name, contact.name_source = name[:255], "push"


def _exactly(tenant_id: str, project_id: str, channel_id: str | None, identity: Identity) -> Key:
    return ("channel", tenant_id, project_id, channel_id or "", identity.kind, identity.value)


def _anywhere(tenant_id: str, project_id: str, channel_id: str | None, identity: Identity) -> Key:
    return ("anywhere", tenant_id, project_id, identity.kind, identity.value)


def _phone(tenant_id: str, project_id: str, channel_id: str | None, identity: Identity) -> Key | None:
    return ("phone", tenant_id, project_id, identity.match_key) if identity.phone else None


def chat_key_of(channel_id: str, chat_type: str, external_chat_id: str, contact_id: str | None) -> str:
    """Return the key of a chat: of the person in direct chats, so that it survives a change between `@c.us` and `@lid`."""
    if chat_type == "individual" and contact_id is not None:
        return f"{channel_id}:{contact_id}"
    return f"{channel_id}:{external_chat_id}"


def place_all(book: AddressBook, senders: Sequence[Sender | None], new_id: Callable[[], str]) -> list[Known | None]:
    """Place every sender; None stays None (an own group message concerns nobody)."""
    return [None if sender is None else book.place(sender, new_id) for sender in senders]
