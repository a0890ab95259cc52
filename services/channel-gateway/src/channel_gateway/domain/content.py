"""What an inbound message holds, in our own words: one class per content type of `channel.message_received`.

`to_wire()` gives the plain dict that travels: `type` first, and no key for what is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


def without_unknowns(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something, in their order."""
    return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Media:
    """A file that came with a message. The file itself is fetched later, by reference.

    `url` is where the provider says the file lies: it is short-lived, never travels and is never stored as the file.
    None means that no file was delivered (`available` is False), which is no error of the message.
    """

    mime_type: str | None = None
    file_name: str | None = None
    size_bytes: int | None = None
    duration_seconds: int | None = None
    view_once: bool = False
    url: str | None = None

    @property
    def available(self) -> bool:
        return self.url is not None

    def to_wire(self, media_id: str | None) -> dict[str, Any]:
        return without_unknowns(
            media_id=media_id,
            mime_type=self.mime_type,
            file_name=self.file_name,
            size_bytes=self.size_bytes,
            state="pending",
        )


class Content:
    """Base of all contents. `media` is the file, where there is one; `text` the body or caption."""

    __slots__ = ()
    type: ClassVar[str]
    media: Media | None
    text: str | None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        """Return the dict that travels. `media_id` is our id for the file, minted by the caller for `media`."""
        raise NotImplementedError


class _WithoutMedia(Content):
    __slots__ = ()
    media = None


@dataclass(frozen=True, slots=True)
class InteractiveReply:
    """Which row or button of an earlier message somebody chose. `kind`: list, button, template or flow."""

    kind: str
    selected_id: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Text(_WithoutMedia):
    type: ClassVar[str] = "text"
    text: str
    interactive_reply: InteractiveReply | None = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        wire: dict[str, Any] = {"type": "text", "text": self.text}
        reply = self.interactive_reply
        if reply is not None:
            wire["interactive_reply"] = without_unknowns(
                kind=reply.kind, selected_id=reply.selected_id, title=reply.title
            )
        return wire


@dataclass(frozen=True, slots=True)
class _Captioned(Content):
    media: Media
    text: str | None = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return without_unknowns(
            type=self.type, media=self.media.to_wire(media_id), text=self.text, file_name=self.media.file_name
        )


@dataclass(frozen=True, slots=True)
class Image(_Captioned):
    type: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class Video(_Captioned):
    type: ClassVar[str] = "video"


@dataclass(frozen=True, slots=True)
class Document(_Captioned):
    type: ClassVar[str] = "document"


@dataclass(frozen=True, slots=True)
class _Sound(Content):
    media: Media
    text = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return without_unknowns(
            type=self.type, media=self.media.to_wire(media_id), duration_seconds=self.media.duration_seconds
        )


@dataclass(frozen=True, slots=True)
class Audio(_Sound):
    type: ClassVar[str] = "audio"


@dataclass(frozen=True, slots=True)
class Voice(_Sound):
    type: ClassVar[str] = "voice"


@dataclass(frozen=True, slots=True)
class Sticker(Content):
    type: ClassVar[str] = "sticker"
    media: Media
    animated: bool = False
    text = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return {"type": "sticker", "media": self.media.to_wire(media_id), "animated": self.animated}


@dataclass(frozen=True, slots=True)
class Location(_WithoutMedia):
    """A place in degrees, or where somebody is right now (`live`)."""

    type: ClassVar[str] = "location"
    latitude: float
    longitude: float
    title: str | None = None
    address: str | None = None
    url: str | None = None
    live: bool = False
    text = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return without_unknowns(
            type="location",
            latitude=self.latitude,
            longitude=self.longitude,
            title=self.title,
            address=self.address,
            url=self.url,
            live=self.live,
        )


@dataclass(frozen=True, slots=True)
class ContactCard:
    """One card. `phone` is its WhatsApp number in E.164, if it names one; `printed_phone` the number as written."""

    full_name: str
    phone: str | None = None
    printed_phone: str | None = None
    organization: str | None = None
    vcard: str | None = None


@dataclass(frozen=True, slots=True)
class Contacts(_WithoutMedia):
    type: ClassVar[str] = "contact"
    contacts: tuple[ContactCard, ...]
    text = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        cards = [
            without_unknowns(
                full_name=card.full_name, phone=card.phone, organization=card.organization, vcard=card.vcard
            )
            for card in self.contacts
        ]
        return {"type": "contact", "contacts": cards}


@dataclass(frozen=True, slots=True)
class Poll(_WithoutMedia):
    type: ClassVar[str] = "poll"
    name: str
    options: tuple[str, ...]
    multiple_answers: bool
    text = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return {
            "type": "poll",
            "name": self.name,
            "options": list(self.options),
            "multiple_answers": self.multiple_answers,
        }


@dataclass(frozen=True, slots=True)
class ListMenu(_WithoutMedia):
    """A list to choose from, as a business sends it."""

    type: ClassVar[str] = "list"
    title: str | None = None
    text: str | None = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return without_unknowns(type="list", title=self.title, text=self.text)


@dataclass(frozen=True, slots=True)
class _Worded(_WithoutMedia):
    text: str | None = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return without_unknowns(type=self.type, text=self.text)


@dataclass(frozen=True, slots=True)
class Buttons(_Worded):
    """Words with buttons below, as a business sends them."""

    type: ClassVar[str] = "buttons"


@dataclass(frozen=True, slots=True)
class Template(_Worded):
    """A filled-in template of the platform."""

    type: ClassVar[str] = "template"


@dataclass(frozen=True, slots=True)
class _OfSomeKind(_WithoutMedia):
    kind: str
    text: str | None = None

    def to_wire(self, media_id: str | None = None) -> dict[str, Any]:
        return without_unknowns(type=self.type, kind=self.kind, text=self.text)


@dataclass(frozen=True, slots=True)
class System(_OfSomeKind):
    """A notice of the platform that has words."""

    type: ClassVar[str] = "system"


@dataclass(frozen=True, slots=True)
class Unsupported(_OfSomeKind):
    """Something that WhatsApp has and we do not: shown with its kind and its words, never dropped."""

    type: ClassVar[str] = "unsupported"


@dataclass(frozen=True, slots=True)
class Attribution:
    """How the writer came to us, when the provider tells: a click-to-WhatsApp ad (`from_ad`) or another entry point.

    `conversion_data` and `ctwa_payload` are opaque and kept as received.
    """

    from_ad: bool
    conversion_source: str | None = None
    conversion_app: str | None = None
    conversion_data: str | None = None
    ctwa_payload: str | None = None
    ctwa_clid: str | None = None
    delay_seconds: int | None = None
    external_source: str | None = None
    external_medium: str | None = None
    source_type: str | None = None
    source_id: str | None = None
    source_app: str | None = None
    source_url: str | None = None
    title: str | None = None
    body: str | None = None
    media_type: str | None = None
    ref: str | None = None

    def to_wire(self) -> Mapping[str, Any]:
        return without_unknowns(**{name: getattr(self, name) for name in self.__slots__})
