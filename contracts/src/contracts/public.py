"""What the world outside may hear of: the events that say `PUBLIC`, with the group under which they are offered (events.md 11).

Outside an event is called as inside without its version: `message.received` is `message.received.v1`.
"""

import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from contracts.registry import payloads
from contracts.schemas import schemas_of


@dataclass(frozen=True)
class PublicEvent:
    """One event version that is offered, by its name and version outside."""

    type: str
    name: str
    version: int
    group: str
    payload: Any

    @property
    def description(self) -> str:
        """Return what it tells, in one line."""
        line = (sys.modules[self.payload.__module__].__doc__ or "").strip().partition("\n")[0]
        return line.partition(": ")[2] or line

    @property
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its data, as readers must take it."""
        return schemas_of(self.payload).read

    @property
    def example(self) -> dict[str, Any]:
        """Return one that could have been said, envelope and data: inside the package in a wheel, beside `src/` in a checkout."""
        shipped = resources.files("contracts") / "examples"
        folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "examples"
        first = min((folder / self.type).iterdir(), key=lambda file: file.name)
        example: dict[str, Any] = json.loads(first.read_bytes())
        return example


class EveryPublicEvent:
    """What a subscription HEARS that takes all public events as they come, without reading what is in them."""


@cache
def public_events() -> MappingProxyType[str, PublicEvent]:
    """Return what is offered, by its type on the wire."""
    offered: dict[str, PublicEvent] = {}
    for event_type, payload in payloads().items():
        group: Any = getattr(payload, "PUBLIC", None)
        if group is not None:
            name, _, version = event_type.rpartition(".v")
            offered[event_type] = PublicEvent(event_type, name, int(version), group, payload)
    return MappingProxyType(offered)
