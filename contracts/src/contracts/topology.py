"""Who hears what: `topology.json`, generated from the `on_*.py` files of the services and shipped with this package."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Topology:
    """The exchanges, and per event type the names of its durable and transient subscriptions, `<service>.<consumer>`.

    `events` is `{type: {"subscriptions": […], "transient": […]}}` and names every type that exists, heard or not.
    """

    exchange: str
    dead_letter_exchange: str
    events: Mapping[str, Mapping[str, Sequence[str]]]

    def subscriptions_of(self, event_type: str) -> tuple[str, ...]:
        """Return who hears the type in queues of their own that outlive them."""
        return tuple(self.events.get(event_type, {}).get("subscriptions", ()))

    def transient_of(self, event_type: str) -> tuple[str, ...]:
        """Return who hears the type only while running."""
        return tuple(self.events.get(event_type, {}).get("transient", ()))

    def is_heard(self, event_type: str) -> bool:
        """Return whether a durable queue must take this type, so that a message which reaches none is an alarm.

        A type that the topology does not name counts as heard: better an alarm than a loss.
        """
        return event_type not in self.events or bool(self.subscriptions_of(event_type))

    def all_subscriptions(self) -> Iterator[tuple[str, str, str]]:
        """Yield service, consumer and event type of each durable subscription; one of several types comes with each."""
        for event_type in self.events:
            for subscription in self.subscriptions_of(event_type):
                service, _, consumer = subscription.partition(".")
                yield service, consumer, event_type

    def types_of_consumers(self) -> dict[tuple[str, str], list[str]]:
        """Return the types that each durable subscription hears, by service and consumer."""
        types: dict[tuple[str, str], list[str]] = {}
        for service, consumer, event_type in self.all_subscriptions():
            types.setdefault((service, consumer), []).append(event_type)
        return types


def load_topology() -> Topology:
    """Return the topology of this release: inside the package in a wheel, beside `src/` in a checkout."""
    shipped = resources.files("contracts") / "topology.json"
    content = shipped if shipped.is_file() else Path(__file__).parents[2] / "topology.json"
    return msgspec.json.decode(content.read_bytes(), type=Topology)
