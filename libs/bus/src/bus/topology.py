"""What exists on the broker, derived from the contract; `python -m bus.topology declare` is the job that makes it.

Services declare nothing but temporary queues. The job removes nothing and fails when a queue stands there with other arguments.
"""

import asyncio
import os
import sys
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel
from contracts.topology import Topology, load_topology
from kernel.settings import Environment, SettingsError
from pamqp.common import FieldTable

from bus.connection import BROKER_ERRORS, connected

MAX_PARTITIONS = 64


@dataclass(frozen=True, slots=True)
class Names:
    """What a subscription's queues are called."""

    service: str
    consumer: str

    def queue(self, partition: int) -> str:
        """Return the queue of one partition."""
        return f"{self.service}.{self.consumer}.{partition}"

    @property
    def dead_letters(self) -> str:
        """Return the queue of what killed a consumer or could not be decoded."""
        return f"{self.service}.{self.consumer}.dlq"


def queue_arguments(dead_letter_exchange: str, names: Names, delivery_limit: int) -> FieldTable:
    """Return the arguments of a partition's queue. All explicit, since the defaults differ between RabbitMQ 3.10 and 4.x."""
    return {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": delivery_limit,
        "x-dead-letter-exchange": dead_letter_exchange,
        "x-dead-letter-routing-key": names.dead_letters,
        # A dead letter must not get lost on its way: the queue keeps it until the other one has it.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def declare(channel: AbstractChannel, topology: Topology, partitions: int, delivery_limit: int = 20) -> int:
    """Make exchanges, queues and bindings; return how many queues there are now. Safe to repeat."""
    events = await channel.declare_exchange(topology.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(topology.dead_letter_exchange, aio_pika.ExchangeType.DIRECT, durable=True)
    queues = 0
    for (service, consumer), event_types in topology.types_of_consumers().items():
        names = Names(service, consumer)
        letters = await channel.declare_queue(
            names.dead_letters, durable=True, arguments={"x-queue-type": "quorum", "x-overflow": "reject-publish"}
        )
        await letters.bind(dead, names.dead_letters)
        arguments = queue_arguments(topology.dead_letter_exchange, names, delivery_limit)
        for partition in range(partitions):
            queue = await channel.declare_queue(names.queue(partition), durable=True, arguments=arguments)
            for event_type in event_types:
                await queue.bind(events, f"{event_type}.{partition}")
        queues += 1 + partitions
    return queues


async def _declare_all(url: str, partitions: int, delivery_limit: int) -> int:
    async with asyncio.timeout(120), connected(url, "topology") as connection:
        return await declare(await connection.channel(), load_topology(), partitions, delivery_limit)


def main() -> int:
    """Run the job: exit 0 when all that the contract asks for exists, 1 with one sentence otherwise."""
    if sys.argv[1:] != ["declare"]:
        print("usage: python -m bus.topology declare", file=sys.stderr)  # noqa: T201 - a command speaks to its caller
        return 2
    env = Environment(os.environ)
    url = env.text("RABBITMQ_TOPOLOGY_URL")
    partitions = env.integer("BUS_PARTITIONS", least=1, most=MAX_PARTITIONS)
    delivery_limit = env.integer("BUS_DELIVERY_LIMIT", 20, least=1)
    try:
        env.check()
        queues = asyncio.run(_declare_all(url, partitions, delivery_limit))
    except SettingsError as error:
        print(f"topology: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except BROKER_ERRORS as error:
        print(f"topology: the broker refused: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"topology: {queues} queues over {partitions} partitions stand")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
