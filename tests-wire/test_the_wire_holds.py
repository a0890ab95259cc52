"""Between two toy consumers, on the real broker and database: nothing lost, nothing doubled, nothing out of order.

Each fault is also run with the mechanism that answers it switched off, and must then be seen (`test_without_…`).
"""

import asyncio
import random
import signal
import subprocess

import aio_pika
import pytest
import toy
from bus.connection import connected
from bus.topology import Names, declare
from contracts.envelope import encode
from testkit.eventually import eventually
from toy_wire import TENANTS, Wire

RELAY_FAILPOINTS = [
    "relay.after_look",
    "relay.before_confirm",
    "relay.after_confirm",
    "relay.before_mark",
    "relay.after_mark",
]
CONSUMER_FAILPOINTS = [
    "consumer.before_transaction",
    "consumer.before_commit",
    "work.before_commit",
    "consumer.after_commit",
    "consumer.before_ack",
    "consumer.after_ack",
]


def died(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() == -signal.SIGKILL


async def kill_at(wire: Wire, failpoint: str, nth: int, roles: str, **environment: str) -> None:
    """Let a process die at a failpoint while things are said, then let a healthy one go on."""
    doomed = wire.start(roles, CRASH_AT=f"{failpoint}:{nth}", **environment)
    await wire.say(chats=5, each=12)

    async def dies() -> bool:
        if not died(doomed):  # what piled up may have gone by in fewer batches than it takes
            await wire.say(chats=5, each=1)
        return died(doomed)

    await eventually(dies, within_s=40, every_s=0.3, because=f"death at {failpoint}")
    await wire.say(chats=5, each=4)
    wire.start(roles, **environment)


async def test_everything_said_is_applied_once_and_in_order_by_both(wire: Wire) -> None:
    wire.start()

    await wire.say(chats=20, each=25)

    await wire.settled()
    await wire.check()


@pytest.mark.parametrize("failpoint", RELAY_FAILPOINTS)
async def test_a_relay_killed_at_any_point_loses_and_doubles_nothing(wire: Wire, failpoint: str) -> None:
    wire.start("consume")

    await kill_at(wire, failpoint, nth=2, roles="relay")

    await wire.settled()
    await wire.check()


@pytest.mark.parametrize("failpoint", CONSUMER_FAILPOINTS)
async def test_a_consumer_killed_at_any_point_loses_and_doubles_nothing(wire: Wire, failpoint: str) -> None:
    wire.start("relay")

    await kill_at(wire, failpoint, nth=3, roles="consume")

    await wire.settled()
    await wire.check()


async def test_without_the_inbox_a_killed_consumer_doubles(wire: Wire) -> None:
    wire.start("relay")

    await kill_at(wire, "consumer.after_commit", nth=2, roles="consume", WITHOUT="inbox")

    await wire.settled()
    with pytest.raises(AssertionError, match=r"doubled [1-9]"):
        await wire.check()


async def test_without_waiting_for_the_confirm_a_killed_relay_loses(wire: Wire) -> None:
    wire.start("consume")
    # The broker is out of reach while the relay marks: what it marked without a confirm is gone when it dies.
    doomed = wire.start("relay", WITHOUT="confirm", RABBITMQ_URL="amqp://nobody:nothing@127.0.0.1:1/%2F")
    await wire.say(chats=2, each=5)
    pending = "select count(*) = 0 from toy.outbox_pending"
    await eventually(lambda: wire.administrator.fetchval(pending), within_s=40)
    doomed.kill()

    wire.start("relay")
    await wire.say(chats=2, each=5)

    await eventually(wire.count, within_s=40)
    await asyncio.sleep(1)
    with pytest.raises(AssertionError, match="lost"):
        await wire.check()


async def commit_late(wire: Wire) -> None:
    """Say something in a transaction that stays open while later ones commit and are relayed."""
    tenant = TENANTS[0]
    said_late = [toy.thing_happened(tenant, "late", number) for number in (1, 2, 3)]
    async with wire.works.begin([tenant]) as slow:
        slow.say(*said_late)
        await wire.works._store(slow.connection, slow.said)
        slow.said = []
        wire.said[tenant, "late"] = [1, 2, 3]
        before = await wire.count()
        await wire.say(chats=3, each=10)
        await eventually(lambda: _more(wire, before + 60), within_s=40)


async def _more(wire: Wire, least: int) -> bool:
    return await wire.count() >= least


async def test_what_commits_late_is_published_all_the_same(wire: Wire) -> None:
    wire.start()

    await commit_late(wire)

    await wire.settled()
    await wire.check()


async def test_a_relay_that_remembers_the_last_number_skips_what_commits_late(wire: Wire) -> None:
    wire.start("consume")
    wire.start("relay", WITHOUT="pending")

    await commit_late(wire)

    await asyncio.sleep(3)
    with pytest.raises(AssertionError, match=r"late: lost \[1, 2, 3\]"):
        await wire.check()


async def test_a_poisonous_event_is_parked_alone_and_its_neighbours_are_applied(wire: Wire) -> None:
    await wire.say(chats=6, each=20, poison=lambda number: number == 7)  # piles up before anybody listens: full batches

    wire.start()

    await wire.settled()
    await wire.check()
    parked = await wire.parked()
    assert len(parked) == 6 * len(TENANTS)
    assert {row["reason"] for row in parked} == {"poison"}
    assert {row["error"] for row in parked} == {"ValueError"}
    assert {str(row["tenant_id"]) for row in parked} == set(TENANTS)


async def test_without_halving_the_neighbours_of_poison_are_lost(wire: Wire) -> None:
    await wire.say(chats=6, each=20, poison=lambda number: number == 7)

    wire.start(WITHOUT="bisection")

    await eventually(wire.parked, within_s=30)
    await asyncio.sleep(2)
    with pytest.raises(AssertionError, match="lost"):
        await wire.check()


async def test_an_unknown_version_is_parked_with_its_reason_and_what_no_array_is_goes_through_the_dead_letters(
    wire: Wire,
) -> None:
    event = toy.thing_happened(TENANTS[0], "chat-0", 1)
    newer = encode(event).replace(b"thing_happened.v1", b"thing_happened.v99")
    wrong = encode(toy.thing_happened(TENANTS[0], "chat-0", 2)).replace(b'"number":2', b'"number":"two"')
    async with connected(wire.servers.rabbitmq_url, "tests") as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(toy.topology_from(str(wire.topology_path)).exchange, ensure=False)
        for body in (b"[" + newer + b"," + wrong + b"]", b"\x00 no json", b"[]", b'[{"half": 1}]'):
            await exchange.publish(aio_pika.Message(body), "toy.thing_happened.v1.0", mandatory=True)

    wire.start()
    await wire.say(chats=2, each=3)

    await wire.settled()
    await wire.check()
    await eventually(lambda: _parked_count(wire, 4), within_s=40)
    parked = {row["reason"]: row for row in await wire.parked()}
    assert set(parked) == {"unknown_version", "invalid", "undecodable"}
    assert parked["unknown_version"]["event_version"] == 99
    assert str(parked["unknown_version"]["event_id"]) == event.id
    bodies = {row["event"]: row["tenant_id"] for row in await wire.parked() if row["reason"] == "undecodable"}
    assert bodies == {b"\x00 no json": None, b'{"half": 1}': None}


async def _parked_count(wire: Wire, wanted: int) -> bool:
    return len(await wire.parked()) == wanted


async def hand_over(wire: Wire, rounds: int, **environment: str) -> None:
    """Two replicas take turns while things are said."""
    environment = {"SLOW_S": "0.15", "EVENTS": "10", **environment}
    wire.start("relay")
    replicas = [wire.start("consume", REPLICA="0", REPLICAS="2", **environment)]
    for turn in range(rounds):
        replicas.append(
            wire.start("consume", REPLICA=str((turn + 1) % 2), REPLICAS="2", OTHERS_AFTER_S="0.3", **environment)
        )
        for _ in range(4):
            await wire.say(chats=4, each=6, batch=3)
            await asyncio.sleep(0.2)
        leaving = replicas.pop(0)
        leaving.terminate()
        await wire.say(chats=4, each=10, batch=3)
        await eventually(lambda leaving=leaving: leaving.poll() is not None, within_s=15)


async def test_replicas_hand_partitions_over_without_reordering_a_chat(wire: Wire) -> None:
    await hand_over(wire, rounds=4)

    await wire.settled()
    await wire.check()


async def test_cancelling_instead_of_closing_reorders_a_chat_at_the_hand_over(wire: Wire) -> None:
    await hand_over(wire, rounds=4, WITHOUT="closing first")

    await wire.settled()
    with pytest.raises(AssertionError, match="reordered"):
        await wire.check()


async def test_order_inside_a_batch_is_what_the_checker_looks_at(wire: Wire) -> None:
    await wire.say(chats=3, each=10)

    wire.start(WITHOUT="order")

    await wire.settled()
    with pytest.raises(AssertionError, match="reordered"):
        await wire.check()


async def test_random_kills_of_everything_lose_and_double_nothing(wire: Wire) -> None:
    seed = 20261121
    chance = random.Random(seed)
    running = {"consume": wire.start("consume"), "relay": wire.start("relay")}

    for _ in range(8):
        await wire.say(chats=5, each=6, batch=5)
        await asyncio.sleep(chance.uniform(0.3, 1.2))
        role = chance.choice(sorted(running))
        running[role].kill()
        running[role].wait(10)
        running[role] = wire.start(role)

    await wire.settled()
    await wire.check()


async def sleep_through(wire: Wire, **environment: str) -> None:
    """A consumer falls asleep inside its transaction; its successor takes over; the sleeper wakes and goes on."""
    wire.start("relay")
    sleeper = wire.start("consume", SLOW_S="2", **environment)
    await wire.say(chats=5, each=10)
    await eventually(lambda: "first is slow" in wire.log_text(), within_s=40, because="a batch is being applied")
    sleeper.send_signal(signal.SIGSTOP)
    wire.start("consume", **environment)
    await wire.say(chats=5, each=10)
    await wire.settled()
    sleeper.send_signal(signal.SIGCONT)
    await wire.say(chats=5, each=5)


async def test_a_consumer_that_slept_cannot_apply_its_stale_batch(wire: Wire) -> None:
    await sleep_through(wire)

    await wire.settled()
    await wire.check()


async def test_without_the_inbox_a_consumer_that_slept_doubles(wire: Wire) -> None:
    await sleep_through(wire, WITHOUT="inbox", IDLE_S="60")

    await wire.settled()
    with pytest.raises(AssertionError, match=r"doubled [1-9]"):
        await wire.check()


async def test_a_missing_queue_keeps_its_events_in_order_while_the_others_flow_and_a_cancelled_consumer_comes_back(
    wire: Wire,
) -> None:
    wire.start()
    await wire.say(chats=8, each=2)
    await wire.settled()
    topology = toy.topology_from(str(wire.topology_path))

    async with connected(wire.servers.rabbitmq_url, "tests") as connection:
        channel = await connection.channel()
        for partition in range(0, toy.PARTITIONS, 2):
            await channel.queue_delete(Names(wire.service, "first").queue(partition))
        await wire.say(chats=8, each=2)
        await eventually(lambda: "publishing was refused" in wire.log_text(), because="unroutable although subscribed")
        for _ in range(8):
            await wire.say(chats=8, each=1, batch=4)
            await asyncio.sleep(0.1)
        assert await wire.administrator.fetchval("select count(*) from toy.outbox_pending") >= 10
        await declare(channel, topology, toy.PARTITIONS)
        for _ in range(20):
            await wire.say(chats=8, each=1, batch=4)
            await asyncio.sleep(0.1)

    await wire.settled()
    await wire.check()


async def test_the_second_relay_waits_while_the_first_leads_and_takes_over_when_it_dies(wire: Wire) -> None:
    wire.start("consume")
    first = wire.start("relay")
    await wire.say(chats=3, each=4)
    await wire.settled()
    wire.start("relay")
    await wire.say(chats=3, each=4)
    first.kill()
    await wire.say(chats=3, each=4)

    await wire.settled()
    await wire.check()
