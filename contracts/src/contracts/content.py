"""What a message holds: an open union told apart by `type`.

On the line the content travels unread (`Content`); whoever stores it reads it with `read_content`. A kind that this
release does not know becomes `Unsupported` and its raw value is kept, so that a later reader can read it again.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from contracts.fields import PersonalText, SpokenText, Wire, open_enum

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Media(Wire, kw_only=True):
    """A file, by reference: never a provider's URL."""

    media_id: str
    mime_type: str | None = None
    file_name: PersonalText | None = None
    size_bytes: int | None = None
    state: Annotated[str, Meta(extra_json_schema=open_enum("pending", "stored", "failed", "expired"))] = "pending"


class InteractiveReply(Wire, kw_only=True):
    """Which row or button somebody chose."""

    kind: Annotated[str, Meta(extra_json_schema=open_enum("list", "button", "template", "flow"))]
    selected_id: str | None = None
    title: SpokenText | None = None


class Text(Wire, tag_field="type", tag="text", kw_only=True):
    """Words."""

    text: SpokenText
    interactive_reply: InteractiveReply | None = None


class Image(Wire, tag_field="type", tag="image", kw_only=True):
    """A picture with an optional caption."""

    media: Media
    text: SpokenText | None = None
    file_name: PersonalText | None = None


class Video(Wire, tag_field="type", tag="video", kw_only=True):
    """A film with an optional caption."""

    media: Media
    text: SpokenText | None = None
    file_name: PersonalText | None = None


class Document(Wire, tag_field="type", tag="document", kw_only=True):
    """A file with an optional caption."""

    media: Media
    text: SpokenText | None = None
    file_name: PersonalText | None = None


class Audio(Wire, tag_field="type", tag="audio", kw_only=True):
    """A sound file."""

    media: Media
    duration_seconds: int | None = None


class Voice(Wire, tag_field="type", tag="voice", kw_only=True):
    """A recorded voice note."""

    media: Media
    duration_seconds: int | None = None


class Sticker(Wire, tag_field="type", tag="sticker", kw_only=True):
    """A sticker."""

    media: Media
    animated: bool = False


class Location(Wire, tag_field="type", tag="location", kw_only=True):
    """A place, or where somebody is right now (`live`)."""

    latitude: Latitude
    longitude: Longitude
    title: SpokenText | None = None
    address: SpokenText | None = None
    url: str | None = None
    live: bool = False


class ContactCard(Wire, kw_only=True):
    """One card of an address book."""

    full_name: PersonalText | None = None
    phone: PersonalText | None = None
    organization: PersonalText | None = None
    vcard: PersonalText | None = None


class Contacts(Wire, tag_field="type", tag="contact", kw_only=True):
    """Cards of other people."""

    contacts: tuple[ContactCard, ...]


class Poll(Wire, tag_field="type", tag="poll", kw_only=True):
    """A question with options."""

    name: SpokenText
    options: tuple[SpokenText, ...]
    multiple_answers: bool = False


class List(Wire, tag_field="type", tag="list", kw_only=True):
    """A list to choose from, as sent."""

    title: SpokenText | None = None
    text: SpokenText | None = None


class Buttons(Wire, tag_field="type", tag="buttons", kw_only=True):
    """Buttons to press, as sent."""

    text: SpokenText | None = None


class Template(Wire, tag_field="type", tag="template", kw_only=True):
    """A template of the platform, as sent."""

    text: SpokenText | None = None


class System(Wire, tag_field="type", tag="system", kw_only=True):
    """A notice of the platform itself."""

    kind: str
    text: SpokenText | None = None


class Unsupported(Wire, tag_field="type", tag="unsupported", kw_only=True):
    """Something that WhatsApp has and we do not: shown with its kind, never dropped."""

    kind: str
    text: SpokenText | None = None


MediaContent = Image | Video | Document | Audio | Voice | Sticker
KnownContent = (
    Text
    | Image
    | Video
    | Document
    | Audio
    | Voice
    | Sticker
    | Location
    | Contacts
    | Poll
    | List
    | Buttons
    | Template
    | System
    | Unsupported
)
KNOWN_KINDS = (
    "text",
    "image",
    "video",
    "document",
    "audio",
    "voice",
    "sticker",
    "location",
    "contact",
    "poll",
    "list",
    "buttons",
    "template",
    "system",
    "unsupported",
)


class _Tag(msgspec.Struct):
    type: str
    text: Any = None


def _open_union_schema() -> dict[str, Any]:
    """Return the mark of an open union: which field tells the kinds apart, and the schemas of those known today."""
    (union,), definitions = msgspec.json.schema_components([KnownContent], ref_template="#/$defs/{name}")
    known = {kind: {"$ref": reference} for kind, reference in union["discriminator"]["mapping"].items()}
    return {
        "type": "object",
        "required": ["type"],
        "x-open-union": {"tag": "type", "known": known, "$defs": definitions},
    }


Content = Annotated[msgspec.Raw, Meta(extra_json_schema=_open_union_schema())]
"""The content as it travels: JSON that nobody on the way has to understand."""

_decode_tag = msgspec.json.Decoder(_Tag).decode
_decode_known: Callable[[msgspec.Raw], KnownContent] = msgspec.json.Decoder(KnownContent).decode


def read_content(content: msgspec.Raw) -> KnownContent:
    """Return the content of a kind that we know, or `Unsupported` for one that we do not.

    Raises msgspec.ValidationError where a known kind has bad content: that is an error of the sender, not a novelty.
    """
    tag = _decode_tag(content)
    if tag.type in KNOWN_KINDS:
        return _decode_known(content)
    return Unsupported(kind=tag.type, text=tag.text if isinstance(tag.text, str) else None)
