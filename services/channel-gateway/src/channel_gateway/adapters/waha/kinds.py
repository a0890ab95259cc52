"""One reader per kind of message. A reader returns None where the fields without which the kind is nothing are missing.

The tables at the end say which names of which engine mean which kind; a new kind is one reader and one line there.
"""

from collections.abc import Callable
from typing import Any

from channel_gateway.adapters.waha.orders import (
    catalogue_order_in_words,
    native_flow_buttons,
    order_in_words,
)
from channel_gateway.adapters.waha.parts import Parts
from channel_gateway.adapters.waha.reading import Node, flag, fold, line, number, size, text, whole
from channel_gateway.adapters.waha.replies import (
    read_button_reply,
    read_flow_reply,
    read_list_reply,
    read_template_reply,
)
from channel_gateway.adapters.waha.vcards import cards_of
from channel_gateway.domain.content import (
    Audio,
    Buttons,
    Contacts,
    Content,
    Document,
    Image,
    ListMenu,
    Location,
    Media,
    Poll,
    Sticker,
    Template,
    Text,
    Unsupported,
    Video,
    Voice,
)

Reader = Callable[[Parts], Content | None]

_STICKERS = ("image/webp", "application/was")
_VIEW_ONCE = ("viewonce", "isviewonce", "isviewoncev2", "isviewoncev2extension")


def read_text(parts: Parts) -> Content | None:
    words = parts.body or text(parts.plain) or text(parts.node.get("text"))
    return Text(words) if words else None


def read_chat(parts: Parts) -> Content | None:
    """Text of a browser engine, which keeps it in `_data.body` (where other kinds have a thumbnail)."""
    words = parts.body or text(parts.data.get("body"))
    return Text(words) if words else None


PLAIN = (read_text, read_chat)


def read_image(parts: Parts) -> Content:
    return Image(_media(parts), _caption(parts))


def read_video(parts: Parts) -> Content:
    return Video(_media(parts), _caption(parts))


def read_document(parts: Parts) -> Content:
    return Document(_media(parts, named=True), _caption(parts))


def read_sound(parts: Parts) -> Content:
    """A voice note says so; ogg/opus alone does not make one."""
    spoken = flag(parts.node.get("ptt")) or line(fold(parts.data.get("info")).get("mediatype")) == "ptt"
    return Voice(_media(parts)) if spoken else Audio(_media(parts))


def read_voice(parts: Parts) -> Content:
    return Voice(_media(parts))


def read_sticker(parts: Parts) -> Content:
    return Sticker(_media(parts), bool(flag(parts.node.get("isanimated")) or flag(parts.node.get("islottie"))))


def by_mime_type(parts: Parts) -> Content:
    """A file of which only the mime type is known."""
    mime_type = _media(parts).mime_type or ""
    if mime_type.startswith(_STICKERS):
        return read_sticker(parts)
    reader = _BY_MIME_FAMILY.get(mime_type.partition("/")[0], read_document)
    return reader(parts) or read_document(parts)


def read_location(parts: Parts) -> Content | None:
    return _location(parts, live=False)


def read_live_location(parts: Parts) -> Content | None:
    return _location(parts, live=True)


def _location(parts: Parts, *, live: bool) -> Content | None:
    place, node = fold(parts.payload.get("location")), parts.node
    if not place and not node:
        return None
    latitude = _degrees(90, place.get("latitude"), node.get("degreeslatitude"), node.get("lat"))
    longitude = _degrees(180, place.get("longitude"), node.get("degreeslongitude"), node.get("lng"))
    if latitude is None or longitude is None:
        return None
    name, _, street = (text(node.get("loc")) or "").partition("\n")  # browser engines write both in one
    return Location(
        latitude,
        longitude,
        title=line(place.get("name")) or line(node.get("name")) or line(place.get("description")) or line(name),
        address=line(place.get("address")) or line(node.get("address")) or line(street),
        url=line(place.get("url"), 2_000) or line(node.get("url"), 2_000),
        live=live or bool(flag(place.get("live")) or flag(node.get("islive"))),
    )


def read_contacts(parts: Parts) -> Content | None:
    cards = cards_of(parts.payload.get("vcards"), parts.node)
    return Contacts(cards) if cards else None


def read_poll(parts: Parts) -> Content | None:
    node = parts.node
    question = text(node.get("name")) or text(node.get("pollname")) or parts.body
    listed = node.get("options") or node.get("polloptions")
    options = [_option(item) for item in listed] if isinstance(listed, list) else []
    if question is None and not any(options):
        return None
    count = whole(node.get("selectableoptionscount", node.get("pollselectableoptionscount")))
    return Poll(question or "", tuple(option for option in options if option), multiple_answers=count != 1)


def read_list(parts: Parts) -> Content | None:
    title, words = line(parts.node.get("title")), parts.body or text(parts.node.get("description"))
    return ListMenu(title, words) if title or words else None


def read_buttons(parts: Parts) -> Content | None:
    words = parts.body or text(parts.node.get("contenttext"))
    return Buttons(words) if words else None


def read_template(parts: Parts) -> Content | None:
    levels = (parts.node, fold(parts.node.get("format")))  # GOWS writes a protobuf oneof as one level more
    names = ("hydratedtemplate", "hydratedfourrowtemplate")
    filled = next((found for level in levels for name in names if (found := fold(level.get(name)))), {})
    words = parts.body or text(filled.get("hydratedcontenttext"))
    return Template(words) if words else None


def read_interactive(parts: Parts) -> Content | None:
    """An order or a payment, or words with buttons."""
    buttons = native_flow_buttons(parts.node)
    if (order := order_in_words(buttons)) is not None:
        return Unsupported("order", parts.body or order)
    words = parts.body or text(fold(parts.node.get("body")).get("text"))
    return Buttons(words) if words else None


def read_order(parts: Parts) -> Content:
    return Unsupported("order", parts.body or catalogue_order_in_words(parts.node))


def _media(parts: Parts, *, named: bool = False) -> Media:
    """Return the file: what WAHA says of it, else what WhatsApp said. Only documents have a name of their own."""
    media, node, data = fold(parts.payload.get("media")), parts.node, parts.data
    name = None
    if named:
        name = line(node.get("filename")) or line(data.get("filename")) or _given_name(media, parts.payload)
        name = name or line(node.get("title"))
    once = any(flag(node.get(name)) or flag(data.get(name)) for name in _VIEW_ONCE)
    return Media(
        mime_type=line(media.get("mimetype")) or line(node.get("mimetype")) or line(data.get("mimetype")),
        file_name=name,
        size_bytes=_first_size(node.get("filelength"), node.get("size")),
        duration_seconds=_first_size(node.get("seconds"), node.get("duration")),
        view_once=parts.view_once or once,
        url=line(media.get("url"), 4_096),
    )


def _given_name(media: Node, payload: Node) -> str | None:
    """Return the file name of a download; NOWEB names files after the message id, which is no name."""
    name = line(media.get("filename"))
    stem = name.rpartition(".")[0] or name if name else ""
    return None if not stem or stem in str(payload.get("id")) else name


def _caption(parts: Parts) -> str | None:
    return parts.body or text(parts.node.get("caption"))


def _first_size(*values: Any) -> int | None:
    return next((found for value in values if (found := size(value)) is not None), None)


def _option(item: Any) -> str | None:
    if isinstance(item, str):
        return text(item)
    option = fold(item)
    return text(option.get("optionname")) or text(option.get("name"))


def _degrees(limit: int, *values: Any) -> float | None:
    for value in values:
        found = number(value)
        if found is not None and -limit <= found <= limit:
            return float(found)
    return None


_BY_MIME_FAMILY: dict[str, Reader] = {"image": read_image, "video": read_video, "audio": read_sound}

BY_MESSAGE_KEY: dict[str, Reader] = {
    "conversation": read_text,
    "extendedtextmessage": read_text,
    "imagemessage": read_image,
    "videomessage": read_video,
    "ptvmessage": read_video,
    "audiomessage": read_sound,
    "documentmessage": read_document,
    "stickermessage": read_sticker,
    "locationmessage": read_location,
    "livelocationmessage": read_live_location,
    "contactmessage": read_contacts,
    "contactsarraymessage": read_contacts,
    "pollcreationmessage": read_poll,
    "listresponsemessage": read_list_reply,
    "buttonsresponsemessage": read_button_reply,
    "templatebuttonreplymessage": read_template_reply,
    "interactiveresponsemessage": read_flow_reply,
    "interactivemessage": read_interactive,
    "ordermessage": read_order,
    "listmessage": read_list,
    "buttonsmessage": read_buttons,
    "templatemessage": read_template,
}
"""By the key under `_data.Message` (GOWS) or `_data.message` (NOWEB)."""

BY_TYPE_NAME: dict[str, Reader] = {
    "chat": read_chat,
    "text": read_text,
    "url": read_text,
    "image": read_image,
    "video": read_video,
    "gif": read_video,
    "ptv": read_video,
    "audio": read_sound,
    "ptt": read_voice,
    "document": read_document,
    "sticker": read_sticker,
    "location": read_location,
    "livelocation": read_live_location,
    "vcard": read_contacts,
    "multi_vcard": read_contacts,
    "contact_array": read_contacts,
    "poll_creation": read_poll,
    "list_response": read_list_reply,
    "buttons_response": read_button_reply,
    "template_button_reply": read_template_reply,
    "order": read_order,
    "list": read_list,
}
"""By `_data.type` (browser engines) or `Info.MediaType` (GOWS), where no message key tells."""


def by_numbered_key(key: str) -> Reader | None:
    """Return the reader of a later version of a kind, such as `pollCreationMessageV5`."""
    stem, version, digits = key.rpartition("v")
    return BY_MESSAGE_KEY.get(stem) if version and digits.isdigit() else None
