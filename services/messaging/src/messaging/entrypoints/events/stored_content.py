"""From the content on the line to what is stored of it. What is of no kind that we know keeps its raw value."""

from typing import Any

import msgspec
from contracts.content import Audio, Document, Image, Sticker, Text, Unsupported, Video, Voice, read_content

from messaging.domain.arrival import Content, Media

UNSUPPORTED = "unsupported"

_encode = msgspec.json.Encoder().encode


def content_of(raw: msgspec.Raw) -> Content:
    """Return what is stored; raise msgspec.ValidationError for a known kind with bad content."""
    content = read_content(raw)
    match content:
        case Text(interactive_reply=None):
            return Content("text", content.text)
        case Text():
            return Content("text", content.text, details=_text(raw))
        case Image() | Video() | Document():
            return Content(content.__struct_config__.tag, content.text, _media_of(content))  # type: ignore[arg-type]
        case Audio() | Voice():
            return Content(content.__struct_config__.tag, None, _media_of(content))  # type: ignore[arg-type]
        case Sticker():
            return Content("sticker", None, _media_of(content), _text(raw) if content.animated else None)
        case Unsupported():
            return Content(UNSUPPORTED, content.text, None, _text(raw), content.kind)
    kind = content.__struct_config__.tag
    return Content(kind, getattr(content, "text", None), None, _text(raw))  # type: ignore[arg-type]


def json_of(value: Any) -> str:
    """Return JSON text."""
    return _encode(value).decode()


def _media_of(content: Any) -> Media:
    media = content.media
    return Media(
        media.media_id,
        media.mime_type,
        media.file_name or getattr(content, "file_name", None),
        media.size_bytes,
        getattr(content, "duration_seconds", None),
    )


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()
