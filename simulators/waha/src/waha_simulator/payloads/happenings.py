"""What happened on WhatsApp, said without any engine's words. The modules beside this one turn it into each engine's
JSON.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["text", "image", "video", "audio", "voice", "document", "sticker", "location", "contact"]
Source = Literal["app", "api"]
Addressing = Literal["phone", "lid"]

KINDS: tuple[Kind, ...] = ("text", "image", "video", "audio", "voice", "document", "sticker", "location", "contact")
MEDIA_KINDS: tuple[Kind, ...] = ("image", "video", "audio", "voice", "document", "sticker")

ERROR, PENDING, SERVER, DEVICE, READ, PLAYED = -1, 0, 1, 2, 3, 4
ACK_NAMES: dict[int | None, str] = {
    ERROR: "ERROR",
    PENDING: "PENDING",
    SERVER: "SERVER",
    DEVICE: "DEVICE",
    READ: "READ",
    PLAYED: "PLAYED",
    None: "UNKNOWN",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on WhatsApp: `phone` and `lid` are digits without a suffix, at least one is known. `device` 0 is the
    phone itself.
    """

    phone: str | None = None
    lid: str | None = None
    name: str = ""
    device: int = 0

    def __post_init__(self) -> None:
        if not self.phone and not self.lid:
            raise ValueError("a person needs a phone or a lid")

    @property
    def phone_id(self) -> str | None:
        return f"{self.phone}@c.us" if self.phone else None

    @property
    def lid_id(self) -> str | None:
        return f"{self.lid}@lid" if self.lid else None

    def chat(self, addressing: Addressing = "phone") -> str:
        """The id of the direct chat with this person, under the wanted identity where it is known."""
        wanted, other = (self.lid_id, self.phone_id) if addressing == "lid" else (self.phone_id, self.lid_id)
        return wanted or other or ""

    def other_than(self, identity: str) -> str | None:
        """The person's other identity, if there is one."""
        return self.phone_id if identity.endswith("@lid") else self.lid_id


@dataclass(frozen=True, slots=True)
class Media:
    """A file. `size` in bytes, `seconds` of sound and film; `url` None = not downloaded by WAHA; `filename` of
    documents only.
    """

    mimetype: str
    size: int
    url: str | None = None
    filename: str | None = None
    seconds: int = 0
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A contact card. Without `whatsapp` (digits) the vCard carries no `waid`."""

    name: str
    phone: str
    whatsapp: str | None = None

    @property
    def vcard(self) -> str:
        tel = f"TEL;type=CELL;type=VOICE;waid={self.whatsapp}:{self.phone}" if self.whatsapp else f"TEL:{self.phone}"
        return f"BEGIN:VCARD\nVERSION:3.0\nFN:{self.name}\n{tel}\nEND:VCARD"


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that is answered. `author` is the full id of who wrote it."""

    bare_id: str
    author: str
    text: str
    from_me: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `chat` is the id under which WhatsApp filed it: `…@c.us`, `…@lid` or `…@g.us`.

    `mentions` are full ids of the people named in the text. `peer` is the person of a direct chat, `author` the
    member who wrote into a group (None: we did).
    `shows_other_identity`
    False: WhatsApp did not tell the person's other identity, as it often does not. `ack` None: what the engine says
    by itself.
    """

    bare_id: str
    chat: str
    at: datetime
    from_me: bool = False
    kind: Kind = "text"
    text: str | None = None
    peer: Person | None = None
    author: Person | None = None
    source: Source = "app"
    media: Media | None = None
    place: Place | None = None
    cards: tuple[Card, ...] = ()
    quote: Quote | None = None
    mentions: tuple[str, ...] = ()
    forwarded: bool = False
    shows_other_identity: bool = True
    ack: int | None = None

    @property
    def is_group(self) -> bool:
        return self.chat.endswith("@g.us")

    @property
    def seconds(self) -> int:
        return int(self.at.timestamp())


@dataclass(frozen=True, slots=True)
class Ack:
    """A receipt for a message. `from_me`: of our message; False: that we ourselves read theirs on the phone.

    `receipt_ids` are all ids that came in the same WhatsApp receipt (GOWS repeats the list in each event). `message`
    is the
    acked one, which WEBJS and WPP repeat.
    """

    bare_id: str
    chat: str
    level: int | None
    at: datetime
    from_me: bool = True
    peer: Person | None = None
    reader: Person | None = None
    receipt_ids: tuple[str, ...] = ()
    message: Message | None = None

    @property
    def is_group(self) -> bool:
        return self.chat.endswith("@g.us")


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The session's status now; `statuses` are the last three with their times in ms."""

    status: str
    at: datetime
    statuses: tuple[tuple[str, int], ...] = ()
    data: Json | None = None


def serialized(message: Message, author_id: str | None = None) -> str:
    """WAHA's full message id: `true|false _ chat _ bare id [_ author]`."""
    return serialized_id(message.from_me, message.chat, message.bare_id, author_id)


def serialized_id(from_me: bool, chat: str, bare_id: str, author_id: str | None = None) -> str:
    suffix = f"_{author_id}" if author_id else ""
    return f"{'true' if from_me else 'false'}_{chat}_{bare_id}{suffix}"


def jid(identity: str | None, device: int = 0) -> str:
    """The id as WhatsApp itself writes it inside `_data`: `@s.whatsapp.net` for phones, the device before the `@`."""
    if not identity:
        return ""
    user, server = identity.split("@")
    if server == "c.us":
        server = "s.whatsapp.net"
    return f"{user}:{device}@{server}" if device else f"{user}@{server}"


def group_identity(person: Person) -> str:
    """Under which identity groups show a member: the lid where there is one."""
    return person.lid_id or person.phone_id or ""
