"""RabbitMQ: publish and consume through a queue like those of the product, and see that the product's own are complete."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError
from aiormq.exceptions import ProbableAuthenticationError
from bus.connection import BROKER_ERRORS, connected
from bus.topology import Names, queue_arguments
from kernel.ids import new_id

from local_stack.doctor.finding import Finding, Of, in_words, make, said
from local_stack.instances import Instance, repository_root
from local_stack.process_table import SERVICES, Service

RABBITMQ = Of("rabbitmq")
TOPOLOGY = Of("topology")
EXCHANGE, DEAD_LETTERS = "ventros.events", "ventros.dead"
_TAKEN_SECONDS = 5.0
_CONSUMER_SECONDS = 12.0  # a replica takes the partitions that it does not prefer 10 s after its start
_DEEP = 1000


async def examine(
    instance: Instance, services: Sequence[Service] = SERVICES, patience_s: float = _CONSUMER_SECONDS
) -> list[Finding]:
    """Use it as the topology job and as each service does."""
    try:
        async with connected(instance.rabbitmq_url_of("topology"), "doctor") as connection:
            found = [await _through_a_queue(connection, instance)]
            if found[0].grade != "ok":
                return found
            found += await _topology(connection, instance, services, patience_s)
    except BROKER_ERRORS as error:
        log = make(instance, "logs SERVICE=rabbitmq")
        return [RABBITMQ.fail(f"does not let us in: {said(error)}", f"{log}, then {make(instance, 'down up')}")]
    refused = [one for service in services if (one := await _as_service(instance, service))]
    return [*found, *(refused or [RABBITMQ.ok(f"{len(services)} services sign in, publish and hear")])]


async def _through_a_queue(connection: AbstractConnection, instance: Instance) -> Finding:
    """A durable queue of the product's kind, bound to its exchange: one message in, confirmed, and out again."""
    name = f"doctor.{new_id()}"
    arguments = queue_arguments(DEAD_LETTERS, Names("doctor", "checkup"), 20) | {"x-expires": 60_000}
    channel = await connection.channel()
    try:
        exchange = await channel.get_exchange(EXCHANGE)
    except ChannelNotFoundEntity:
        return RABBITMQ.fail(f"the exchange {EXCHANGE} is missing", f"{make(instance, 'down up')} declares it")
    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    await queue.bind(exchange, name)
    message = aio_pika.Message(b"checkup", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    started = time.monotonic()
    try:
        await exchange.publish(message, name, mandatory=True, timeout=_TAKEN_SECONDS)
        async with asyncio.timeout(_TAKEN_SECONDS), queue.iterator() as taken:
            await (await anext(taken)).ack()
    except (TimeoutError, DeliveryError):
        alarms = await asyncio.to_thread(instance.rabbitmq().alarms) if not instance.external_rabbitmq_url else ""
        told = f"takes no message within {_TAKEN_SECONDS:.0f} s" + (f": alarm {alarms}" if alarms else "")
        return RABBITMQ.fail(
            told, "free disk space (a disk alarm) or memory (a memory alarm): it goes on by itself then"
        )
    await queue.delete(if_unused=False, if_empty=False)
    return RABBITMQ.ok(f"a message goes through a quorum queue in {1000 * (time.monotonic() - started):.0f} ms")


@dataclass(frozen=True)
class _Queue:
    """One queue as the broker knows it; None where it is missing."""

    name: str
    names: Names
    messages: int | None = None
    consumers: int = 0

    @property
    def dead_letters(self) -> bool:
        return self.name == self.names.dead_letters


async def _topology(
    connection: AbstractConnection, instance: Instance, services: Sequence[Service], patience_s: float
) -> list[Finding]:
    """Every queue that the contract asks for exists and is consumed; nobody's letters are dead."""
    queues = [one async for one in _queues(connection, instance, services)]
    deadline = time.monotonic() + patience_s
    while any(one.messages is not None and not one.consumers for one in queues) and time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        queues = [one async for one in _queues(connection, instance, services)]
    found = []
    for service in services:
        own = [one for one in queues if one.names.service == service.name]
        found += _of_service(instance, service, own)
    return found or [TOPOLOGY.ok(f"{len(queues)} queues stand and are consumed, no dead letters")]


def _of_service(instance: Instance, service: Service, queues: list[_Queue]) -> list[Finding]:
    logs = make(instance, f"logs SERVICE={service.name}")
    found = []
    if missing := [one for one in queues if one.messages is None]:
        what = in_words(sorted({one.names.consumer for one in missing}))
        told = f"{service.name}: {len(missing)} queues are missing ({what}); what belongs there waits in the outboxes"
        found.append(TOPOLOGY.fail(told, f"{make(instance, 'down up')} declares them"))
    if unheard := [one for one in queues if one.messages is not None and not one.consumers]:
        what = in_words(sorted({one.names.consumer for one in unheard}))
        told = f"{service.name}: nobody consumes {len(unheard)} queues ({what})"
        found.append(TOPOLOGY.fail(told, f"is the service ready? {make(instance, 'status')}, {logs}"))
    if deep := [
        f"{one.name}: {one.messages}" for one in queues if (one.messages or 0) > _DEEP and not one.dead_letters
    ]:
        found.append(TOPOLOGY.warn(f"long queues ({in_words(deep)})", f"does the service keep up? {logs}"))
    if letters := [f"{one.name}: {one.messages}" for one in queues if one.messages and one.dead_letters]:
        told = f"dead letters wait to be parked ({in_words(letters)})"
        found.append(TOPOLOGY.warn(told, f"they are drained within seconds; if not: {logs}"))
    return found


async def _queues(
    connection: AbstractConnection, instance: Instance, services: Sequence[Service]
) -> AsyncIterator[_Queue]:
    wanted = {service.name for service in services}
    channel: AbstractChannel | None = None
    for service, consumer in subscriptions():
        if service not in wanted:
            continue
        names = Names(service, consumer)
        partitions = [names.queue(number) for number in range(instance.partitions)]
        for name in (*partitions, names.dead_letters):
            channel = await connection.channel() if channel is None or channel.is_closed else channel
            try:
                result = (await channel.declare_queue(name, passive=True)).declaration_result
            except ChannelNotFoundEntity:
                yield _Queue(name, names)
            else:
                yield _Queue(name, names, result.message_count or 0, result.consumer_count or 0)


def subscriptions() -> list[tuple[str, str]]:
    """Return service and consumer of every durable subscription of the contract."""
    topology = json.loads((repository_root() / "contracts" / "topology.json").read_text())
    heard = {name for event in topology["events"].values() for name in event["subscriptions"]}
    return [(service, consumer) for service, _, consumer in (name.partition(".") for name in sorted(heard))]


async def _as_service(instance: Instance, service: Service) -> Finding | None:
    """What a service may do: say something on the exchange and hear it in a queue of its own for the moment."""
    name = f"{service.name}.tmp.doctor-{new_id()}"
    try:
        async with connected(instance.rabbitmq_url_of(service.name), "doctor") as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
            exchange = await channel.get_exchange(EXCHANGE, ensure=False)
            await queue.bind(exchange, name)
            await exchange.publish(aio_pika.Message(b"checkup"), name, mandatory=True, timeout=_TAKEN_SECONDS)
            await queue.get(timeout=_TAKEN_SECONDS, no_ack=True)
    except ProbableAuthenticationError:
        repair = f"{make(instance, 'down up')} loads the users again"
        return RABBITMQ.fail(f"{service.name}: its password is refused", repair)
    except (*BROKER_ERRORS, DeliveryError) as error:
        told = f"{service.name}: cannot publish and hear: {said(error)}"
        return RABBITMQ.fail(told, f"{make(instance, 'down up')} loads users and rights again")
    return None
