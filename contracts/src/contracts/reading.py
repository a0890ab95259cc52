"""Reading events off the wire: a good one becomes a typed event, a bad one says why it cannot."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from kernel.ids import is_id

from contracts.envelope import AnyEvent, Event, UnreadEvent

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_unread = msgspec.json.Decoder(UnreadEvent).decode
_decode_all_unread = msgspec.json.Decoder(list[UnreadEvent]).decode


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An element of a message that this reader cannot apply. `reason` is one of unknown_version, invalid, undecodable."""

    body: bytes
    reason: str
    error: str
    event_id: str
    tenant_id: str | None = None
    project_id: str | None = None
    event_type: str | None = None
    subject: str | None = None
    traceparent: str | None = None


class UndecodableError(Exception):
    """A message body that is no JSON array."""


def elements_of(body: bytes) -> list[msgspec.Raw]:
    """Cut a batch message into its events, unread; raise UndecodableError when it is no array."""
    try:
        return _decode_list(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UndecodableError(str(error)) from error


class Reader:
    """Reads events of one type. One bad element never spoils its neighbours."""

    type: str

    def __init__(self, payload: Any) -> None:
        """`payload` is the contract's class, with its wire name in `TYPE`."""
        self.type = payload.TYPE
        self._decode = msgspec.json.Decoder(Event[payload]).decode
        self._decode_all = msgspec.json.Decoder(list[Event[payload]]).decode

    def read_all(self, body: bytes) -> Sequence[AnyEvent | Unreadable]:
        """Return the events of a batch message; raise UndecodableError when it is no array.

        All at once, and one by one only where that fails: cutting a message first and reading its events afterwards looks at each
        byte twice.
        """
        try:
            events: list[AnyEvent] = self._decode_all(body)
            self._require_ours(events)
        except (msgspec.DecodeError, ValueError):
            return [self.read(element) for element in elements_of(body)]
        return events

    def read(self, element: bytes | msgspec.Raw) -> AnyEvent | Unreadable:
        """Return the event, or why it cannot be read."""
        try:
            event = self._decode(element)
            self._require_ours([event])
        except (msgspec.DecodeError, ValueError) as error:
            return self._explain(bytes(element), str(error))
        return event

    def _require_ours(self, events: Sequence[AnyEvent]) -> None:
        _require_ids(events)
        others = {event.type for event in events} - {self.type}
        if others:
            raise ValueError(f"expected {self.type}, got {', '.join(sorted(others))}")

    def _explain(self, body: bytes, error: str) -> Unreadable:
        try:
            event = _decode_unread(body)
            _require_ids([event])
        except (msgspec.DecodeError, ValueError):
            return Unreadable(body, "undecodable", error, event_id=id_of_bytes(body))
        name, version = event.type.rpartition(".v")[::2]
        expected = self.type.rpartition(".v")[0]
        reason = "unknown_version" if name == expected and event.type != self.type and version.isdigit() else "invalid"
        return Unreadable(
            body,
            reason,
            error,
            event_id=event.id,
            tenant_id=event.tenantid,
            project_id=event.projectid,
            event_type=event.type,
            subject=event.subject,
            traceparent=event.traceparent,
        )


class EnvelopeReader(Reader):
    """Reads events of any type, and leaves their data as it came: it never meets a version that it does not know."""

    type = "any"

    def __init__(self) -> None:
        """It needs no payload."""
        self._decode = _decode_unread
        self._decode_all = _decode_all_unread

    def _require_ours(self, events: Sequence[AnyEvent]) -> None:
        _require_ids(events)


def id_of_bytes(body: bytes) -> str:
    """Return an id for something that has none, the same whenever the same bytes come again."""
    return str(UUID(bytes=hashlib.blake2b(body, digest_size=16).digest()))


def _require_ids(events: Sequence[Event[Any]]) -> None:
    """Raise ValueError for what is no id. Each is looked at once: tenants and projects are the same in most events of a batch."""
    ids = {event.id for event in events} | {event.tenantid for event in events} | {event.projectid for event in events}
    for identifier in ids:
        if identifier is not None and not is_id(identifier):
            raise ValueError(f"not an id: {identifier[:50]!r}")
