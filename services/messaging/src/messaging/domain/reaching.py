"""Where somebody can be reached on a channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WHATSAPP_NUMBER = "wa_pn"
REACHABLE_KINDS = frozenset((WHATSAPP_NUMBER, "wa_lid", "phone"))
"""Kinds of identities that a message can be sent to."""


@dataclass(frozen=True, slots=True)
class Address:
    """The id of a chat exactly as the provider reported it, or a bare phone number for a first contact."""

    external_chat_id: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """One way in which a person is known, on one channel or on none in particular."""

    channel_id: str | None
    kind: str
    value: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, as far as writing to them is concerned."""

    tenant_id: str
    id: str
    project_id: str
    opted_out: bool
    deleted: bool
    phone: str | None
    handles: Sequence[Handle] = ()


def address_of(person: Person, channel_id: str) -> Address | None:
    """Return where a person without a chat is reached on a channel: an id reported there, otherwise a phone number.

    Of several ids the one made of the number comes first, since every engine can send to it; then the newest.
    """
    reported = [handle for handle in person.handles if handle.channel_id == channel_id and "@" in handle.value]
    if reported:
        best = max(reported, key=lambda handle: (handle.kind == WHATSAPP_NUMBER, handle.linked_at, handle.value))
        return Address(external_chat_id=best.value)
    if person.phone is not None:
        return Address(phone=person.phone)
    phones = [handle.value for handle in person.handles if handle.kind == "phone"]
    return Address(phone=min(phones)) if phones else None
