"""Two toy consumers between which the wire must hold: `first` hears, applies and says on; `second` hears that and applies.

Runs as a process of its own so that it can be killed. The environment names the servers and, for proving that a test can fail, one
mechanism to sabotage (`WITHOUT`).
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bus.applying import Applier
from bus.collector import Collector, Limits
from bus.dead_letters import DeadLetterDrain
from bus.publisher import BrokerPublisher
from bus.subscription import Subscription
from contracts.envelope import AnyEvent, caused_event, first_event
from contracts.fields import Wire
from contracts.topology import Topology
from kernel.clock import utc_now
from kernel.failpoints import Failpoints
from kernel.ids import new_id
from kernel.running import Role, run_roles
from outbox import tables
from outbox.inbox import Inbox
from outbox.parked import Parked, describe
from outbox.relay import Relay
from outbox.work import UnitOfWork, Works
from postgres.database import Database
from postgres.failures import classify
from postgres.walls import protect
from sabotage import MECHANISMS

PARTITIONS = 4


class ThingHappenedV1(Wire, kw_only=True):
    """Something happened, the `number`th of its chat."""

    TYPE: ClassVar[str] = "toy.thing_happened.v1"

    chat: str
    number: int
    poisonous: bool = False


class ThingPassedV1(ThingHappenedV1, kw_only=True):
    """It passed `first`."""

    TYPE: ClassVar[str] = "toy.thing_passed.v1"


APPLY = """
insert into applied (tenant_id, consumer, chat, number)
select tenant_id, $4, chat, number
from unnest($1::uuid[], $2::text[], $3::int[]) with ordinality as a (tenant_id, chat, number, position) order by position
"""


def schema_sql() -> str:
    """Return the toy's tables."""
    own = "create table toy.applied (tenant_id uuid not null, consumer text not null, chat text not null, number int not null,"
    own += " position bigint generated always as identity, pid int not null default pg_backend_pid());"
    return tables.outbox_tables("toy") + own + protect("toy", "applied")


async def _apply(events: Sequence[AnyEvent], work: UnitOfWork, consumer: str) -> None:
    if any(event.data.poisonous and consumer == "first" for event in events):
        raise ValueError("poison")
    await work.connection.execute(
        APPLY,
        [event.tenantid for event in events],
        [event.data.chat for event in events],
        [event.data.number for event in events],
        consumer,
    )


SLOW_S = float(os.environ.get("SLOW_S", "0"))
"""How long `first` takes over a batch, so that deliveries pile up behind it."""


async def on_thing_happened(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
    """Apply, and say it on."""
    if SLOW_S:
        print("first is slow", flush=True)
        await asyncio.sleep(SLOW_S)
    await _apply(events, work, "first")
    for event in events:
        passed = ThingPassedV1(chat=event.data.chat, number=event.data.number)
        work.say(
            caused_event(
                event,
                passed,
                id=work.new_id(),
                source="toy",
                subject=event.subject,
                time=work.now,
                partition_key=event.partitionkey,
            )
        )


async def on_thing_passed(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
    """Apply."""
    await _apply(events, work, "second")


def thing_happened(tenant: str, chat: str, number: int, *, poisonous: bool = False) -> AnyEvent:
    """Return the event that starts it all."""
    return first_event(
        ThingHappenedV1(chat=chat, number=number, poisonous=poisonous),
        id=new_id(),
        source="toy",
        subject=chat,
        time=utc_now(),
        tenant_id=tenant,
        project_id=None,
        partition_key=chat,
        correlation_id=new_id(),
        actor="system:toy",
    )


def subscriptions(service: str) -> list[Subscription]:
    """Return both; each test has a service name of its own, since queues are named after it."""
    return [
        Subscription(service, "first", ThingHappenedV1, on_thing_happened),
        Subscription(service, "second", ThingPassedV1, on_thing_passed),
    ]


def topology_from(path: str) -> Topology:
    """Read the test's own topology."""
    return Topology(**json.loads(Path(path).read_text()))


async def roles_of(environment: dict[str, str]) -> list[Role]:
    """Build what the environment asks for: consume, relay."""
    failpoints = Failpoints.from_setting(environment.get("CRASH_AT"), "test")
    topology = topology_from(environment["TOPOLOGY"])
    url = environment["RABBITMQ_URL"]
    wanted = environment.get("ROLES", "consume,relay").split(",")
    relay = Relay(environment["RELAY_DSN"], "toy", BrokerPublisher(url, "toy", topology), failpoints=failpoints)
    database = await Database.connect(
        environment["APP_DSN"], application="toy", idle_in_transaction_timeout_s=float(environment.get("IDLE_S", "5"))
    )
    works = Works(
        database, partitions=PARTITIONS, wake_relay=relay.wake if "relay" in wanted else None, failpoints=failpoints
    )
    inbox = Inbox(works, failpoints)
    limits = Limits(
        partitions=PARTITIONS,
        prefetch=4,
        events=int(environment.get("EVENTS", "500")),
        replica=int(environment.get("REPLICA", "0")),
        replicas=int(environment.get("REPLICAS", "1")),
        others_after_s=float(environment.get("OTHERS_AFTER_S", "2")),
    )
    if mechanism := environment.get("WITHOUT"):
        MECHANISMS[mechanism]()
    roles: list[Role] = []
    if "consume" in wanted:
        heard = subscriptions(environment["TOY_SERVICE"])
        applier = Applier(inbox, classify=classify, parked=Parked, describe=describe)
        roles.append(Collector(url, heard, applier, limits, dependency_answers=database.answers, failpoints=failpoints))
        roles.append(DeadLetterDrain(url, heard, inbox, parked=Parked))
    if "relay" in wanted:
        roles.append(relay)
    return roles


async def main() -> None:
    """Run until SIGTERM."""
    await run_roles(await roles_of(dict(os.environ)), grace_s=10)


if __name__ == "__main__":
    asyncio.run(main())
