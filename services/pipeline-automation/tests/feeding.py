"""Events as the feed hears them: read off the wire, whatever they are."""

from collections.abc import Sequence
from typing import Any

import msgspec
from contracts.envelope import AnyEvent, encode
from contracts.reading import EnvelopeReader
from outbox.work import UnitOfWork
from pipeline_automation.bootstrap import work_of
from pipeline_automation.entrypoints.events.on_any_public_event import on_any_public_event

READER = EnvelopeReader()


def as_heard(events: Sequence[AnyEvent]) -> Sequence[Any]:
    """Return events as the subscription reads them."""
    return READER.read_all(b"[" + b",".join(map(encode, events)) + b"]")


def another_type(event: AnyEvent, event_type: str, **more: Any) -> AnyEvent:
    """Return the same event under another name."""
    return msgspec.structs.replace(event, type=event_type, **more)


async def feed(work: UnitOfWork, *events: AnyEvent) -> None:
    """Append events within a transaction."""
    await on_any_public_event(as_heard(events), work_of(work))
