"""The parts that every service is made of, built from its settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bus.collector import Limits
from bus.consuming import Consuming
from bus.publisher import BrokerPublisher
from bus.subscription import Subscription
from contracts.topology import Topology, load_topology
from kernel.failpoints import Failpoints
from outbox.inbox import Handle, Inbox
from outbox.parked import Parked, describe
from outbox.relay import Relay
from outbox.work import Works
from postgres.database import Database
from postgres.failures import classify

from runtime.settings import ServiceSettings


@dataclass(frozen=True)
class Parts:
    """Database, outbox, inbox and relay of one service process."""

    service: str
    settings: ServiceSettings
    topology: Topology
    failpoints: Failpoints
    database: Database
    relay: Relay
    works: Works
    inbox: Inbox

    def subscription(self, consumer: str, payload: Any, handle: Handle) -> Subscription:
        """Return what hears one event type, or EveryPublicEvent; `consumer` is the handler file's name without `on_`."""
        return Subscription(self.service, consumer, payload, handle)

    def consuming(self, subscriptions: Sequence[Subscription], gather_s: float = 0.0) -> Consuming:
        """Return the consuming roles; `gather_s` is how long what comes one after the other gathers to one transaction."""
        bus = self.settings.bus
        return Consuming(
            bus.url,
            subscriptions,
            self.inbox,
            Limits(
                partitions=bus.partitions,
                prefetch=bus.prefetch,
                events=bus.batch_events,
                bytes=bus.batch_bytes,
                replica=bus.replica,
                replicas=bus.replicas,
                gather_s=gather_s,
            ),
            classify=classify,
            parked=Parked,
            describe=describe,
            dependency_answers=self.database.answers,
            failpoints=self.failpoints,
        )


async def open_parts(service: str, settings: ServiceSettings, *, relays_here: bool) -> Parts:
    """Open the pool and build the parts. `relays_here` tells whether this process relays what it says."""
    failpoints = Failpoints.from_setting(settings.crash_at, settings.env)
    topology = load_topology()
    database = await Database.connect(
        settings.database.app_url,
        application=service,
        size=settings.database.pool_size,
        acquire_timeout_s=settings.database.acquire_timeout_s,
        statement_timeout_s=settings.database.statement_timeout_s,
        lock_timeout_s=settings.database.lock_timeout_s,
        idle_in_transaction_timeout_s=settings.database.idle_in_transaction_timeout_s,
    )
    relay = Relay(
        settings.database.relay_url,
        service,
        BrokerPublisher(settings.bus.url, service, topology),
        poll_s=settings.bus.outbox_poll_s,
        gather_s=settings.bus.outbox_gather_s,
        failpoints=failpoints,
    )
    works = Works(
        database,
        partitions=settings.bus.partitions,
        wake_relay=relay.wake if relays_here else None,
        failpoints=failpoints,
    )
    return Parts(service, settings, topology, failpoints, database, relay, works, Inbox(works, failpoints))
