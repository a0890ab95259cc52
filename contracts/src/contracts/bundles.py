"""Bundles: the events of one type and partition that one transaction said.

A bundle is stored as one row, is never cut in two on its way, and an inbox meets it by one id. It is packed once, where it is said, and
opened where it is heard: a JSON array of events, compressed with Zstandard (RFC 8878), since events resemble each other. A message of the
broker holds one or more of them, one behind the other, and the header BUNDLES that tells whose they are. A message without that
header, as another program may send it, is a plain JSON array, and each of its events a bundle of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import zstandard
from kernel.ids import is_id

from contracts.envelope import MAX_EVENT_BYTES, AnyEvent
from contracts.reading import Reader, UndecodableError, Unreadable

BUNDLES = "bundles"
ENCODING = "zstd"
MAX_EVENTS = 200
MAX_BYTES = MAX_EVENT_BYTES + len(b"[]")
"""What a bundle holds at most, unpacked, and a message of several, packed. One event of the largest size is a bundle of its own."""

_compress = zstandard.ZstdCompressor(level=1).compress
_decompress = zstandard.ZstdDecompressor().decompress


class StoredBundle(NamedTuple):
    """A bundle on its way to the broker, packed."""

    id: str
    events: int
    body: bytes


class Bundle(NamedTuple):
    """A bundle as it was heard. One that is not whole is a piece of the bundle `id`: each of its events is met by its own id."""

    id: str
    events: Sequence[Any]
    whole: bool = True

    def halves(self) -> tuple["Bundle", "Bundle"]:
        """Return the two pieces of a bundle that could not be applied at once."""
        middle = len(self.events) // 2
        return Bundle(self.id, self.events[:middle], False), Bundle(self.id, self.events[middle:], False)


class Part(NamedTuple):
    """What a message holds under one id: a JSON array of events. `id` is None where each event has only its own."""

    id: str | None
    body: bytes


def packed(events: Iterable[bytes]) -> bytes:
    """Return encoded events as the body of a bundle."""
    return _compress(b"[" + b",".join(events) + b"]")


def opened(body: bytes) -> bytes:
    """Return the JSON array that a bundle holds; raise ZstdError when it is none, or more than a bundle may hold."""
    if zstandard.frame_content_size(body) > MAX_BYTES:
        raise zstandard.ZstdError("too large")
    return _decompress(body, max_output_size=MAX_BYTES)


def message_of(bundles: Sequence[StoredBundle]) -> tuple[bytes, dict[str, Any]]:
    """Return the body and the headers of the message that carries these bundles."""
    return b"".join(each.body for each in bundles), {
        "events": sum(each.events for each in bundles),
        BUNDLES: [f"{each.id} {len(each.body)}" for each in bundles],
    }


def parts_of(body: bytes, header: Any) -> list[Part]:
    """Open a message; `header` is what it says of its bundles, None when nothing. Raise UndecodableError when that is not so."""
    if header is None:
        return [Part(None, body)]
    parts, start = [], 0
    try:
        for bundle_id, _, size in (each.partition(" ") for each in header):
            if not is_id(bundle_id):
                raise ValueError(f"not an id: {bundle_id[:50]!r}")
            end = start + int(size)
            parts.append(Part(bundle_id, opened(body[start:end])))
            start = end
    except (AttributeError, TypeError, ValueError, zstandard.ZstdError) as error:
        raise UndecodableError(str(error)) from error
    if start != len(body):
        raise UndecodableError("the bundles are not as long as the message")
    return parts


def read_bundles(reader: Reader, body: bytes, header: Any) -> list[Bundle]:
    """Return what a message holds; raise UndecodableError when it cannot be opened or is no array."""
    bundles: list[Bundle] = []
    for part in parts_of(body, header):
        events = reader.read_all(part.body)
        bundles += alone(events) if part.id is None else [Bundle(part.id, events)]
    return [bundle for bundle in bundles if bundle.events]


def alone(events: Iterable[AnyEvent | Unreadable]) -> list[Bundle]:
    """Return each event as a bundle of its own."""
    return [Bundle(event.event_id if isinstance(event, Unreadable) else event.id, [event]) for event in events]
