"""Kill -9 of everything, one after the other, while customers write, programs write to them, and a rule answers."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from customers import Chat, Clerks, Senders
from local_stack.answering import answers_ready
from local_stack.ports import free_ports
from local_stack.process_table import SERVICES, module_command, programs, service_environment
from local_stack.processes import Process, detach
from product import SCHEMAS, Product, Tenant
from testkit.eventually import eventually
from whatsapp import doubled

SEED = 20261121
PER_SECOND = 60
SENT_PER_SECOND = 3
BACK_WITHIN_S = 15
SENDER = "sender"
SLOW_WAHA = {"seed": SEED, "api": {"slow": {"probability": 0.3, "seconds": [0.1, 0.6]}}}
"""So that whoever is killed has calls open."""

DONE = ("sent", "delivered", "read", "played")
UNANSWERED = ("queued", "unknown")


class SecondSender:
    """The sender's role of channel-gateway, once more in a process of its own: two replicas share the channels."""

    def __init__(self, product: Product) -> None:
        self._instance = product.instance
        self.process: Process | None = None
        gateway = next(service for service in SERVICES if service.name == "channel-gateway")
        ports = free_ports("test-e2e")
        own = {"PORT": str(ports["gateway"]), "METRICS_PORT": str(ports["gateway_metrics"])}
        self._environment = service_environment(self._instance, gateway) | own
        self._ready_url = f"http://127.0.0.1:{own['METRICS_PORT']}/ready"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.process = detach(
            [*module_command("channel_gateway", "run"), "--only", "work"],
            environment=self._environment,
            cwd=self._instance.root,
            log=self._instance.logs / f"{SENDER}.log",
        )

    def ready(self) -> bool:
        return answers_ready(self._ready_url)

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop(grace_seconds=10)


@asynccontextmanager
async def second_sender(product: Product) -> AsyncIterator[SecondSender]:
    sender = SecondSender(product)
    sender.start()
    try:
        await eventually(lambda: asyncio.to_thread(sender.ready), within_s=30, because="a second sender")
        yield sender
    finally:
        await asyncio.to_thread(sender.stop)


@pytest.mark.timeout(300)
async def test_kill_9_of_every_process_in_turn_loses_doubles_and_reorders_nothing(product: Product) -> None:
    """Seeded. Every delivery answered 2xx is stored once, in order within its chat; every message that was asked for is on its
    customer's phone once, in order, or known not to be; every question has one answer; who was killed is back within 15 s.
    """
    async with second_sender(product) as sender:
        tenants = list(await asyncio.gather(*(product.shop(f"Shop {number}") for number in range(3))))
        for tenant in tenants:
            await tenant.rule(
                "message.received",
                ("send_message", {"content": "re {{ trigger.text }}"}),
                expression='message.text.contains("?")',
                max_per_contact={"count": 1000, "hours": 1},
            )
        senders = Senders(tenants, chats_each=10, per_second=PER_SECOND, seed=SEED)
        await senders.meet()
        clerks = Clerks(senders.chats, SENT_PER_SECOND)
        await tenants[0].whatsapp.has_faults(SLOW_WAHA)
        stop = asyncio.Event()
        writing = asyncio.gather(senders.write(stop), clerks.write(stop))
        await asyncio.sleep(2)
        try:
            back = {name: await back_after(kill) async for name, kill in killings(product, sender)}
        finally:
            stop.set()
        await asyncio.wait_for(writing, 90)
        accepted = sum(len(chat.accepted) for chat in senders.chats)
        requested = sum(len(chat.requested) for chat in senders.chats)
        assert senders.retries + senders.refused > 0, "the fault did not bite"
        assert clerks.repeated > 0, "no program had to ask twice"
        assert accepted > PER_SECOND * 10
        assert requested > SENT_PER_SECOND * 10

        async def all_stored() -> bool:
            return await stored(product, tenants) >= accepted

        await eventually(all_stored, within_s=60, every_s=0.5, because=f"{accepted} messages stored")
        await product.drained()
        await eventually(
            lambda: all_known(product, tenants), within_s=60, every_s=0.5, because="every message has an outcome"
        )
        await product.drained()
    await check_what_came_in(product, senders)
    await check_what_went_out(senders)
    for tenant in tenants:
        await check_usage(product, tenant)
    late = {name: round(seconds, 1) for name, seconds in back.items() if seconds > BACK_WITHIN_S}
    assert not late, f"not back within {BACK_WITHIN_S} s: {late}"
    print(
        f"seed {SEED}: {accepted} accepted, {senders.retries} retried, {senders.refused} refused; {requested} requested, "
        f"{clerks.repeated} repeated; back after {back}"
    )


Kill = Callable[[], Awaitable[Callable[[], bool]]]


async def killings(product: Product, sender: SecondSender) -> AsyncIterator[tuple[str, Kill]]:
    """Yield who is to be killed and how; killing returns what tells whether somebody is back in its place."""
    servers = {"rabbitmq": product.instance.rabbitmq(), "postgres": product.instance.postgres()}
    ready: dict[str, Callable[[], bool]] = {
        program.name: lambda address=str(program.ready_url): answers_ready(address)  # type: ignore[misc]
        for program in programs(product.instance)
    }
    ready |= {name: server.ready for name, server in servers.items()}
    for name in (*(service.name for service in SERVICES), SENDER, "waha-simulator", "rabbitmq", "postgres"):
        if name == SENDER:

            async def kill() -> Callable[[], bool]:
                assert sender.process is not None
                sender.process.signal(signal.SIGKILL)
                await asyncio.to_thread(sender.process.wait_until_gone, 10)
                sender.start()
                return sender.ready
        else:

            async def kill(name: str = name) -> Callable[[], bool]:
                process = recorded(product, name)
                assert process is not None, name
                process.signal(signal.SIGKILL)

                def is_back() -> bool:
                    now = recorded(product, name)
                    return now is not None and now.pid != process.pid and ready[name]()

                return is_back

        yield name, kill
        await asyncio.sleep(0.3)


async def back_after(kill: Kill) -> float:
    """Kill; return after how many seconds somebody was back."""
    killed = time.monotonic()
    is_back = await kill()
    await eventually(lambda: asyncio.to_thread(is_back), within_s=40, every_s=0.1, because="back")
    return time.monotonic() - killed


def recorded(product: Product, name: str) -> Process | None:
    return Process.recorded(product.instance.records / f"{name}.json")


async def rows(product: Product, query: str, *arguments: Any) -> list[dict[str, Any]]:
    connection = await product.superuser()
    try:
        return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def stored(product: Product, tenants: list[Tenant]) -> int:
    query = "select count(*) as n from messaging.messages where tenant_id = any($1::uuid[]) and direction = 'inbound'"
    (row,) = await rows(product, query, [each.tenant_id for each in tenants])
    return int(row["n"])


async def all_known(product: Product, tenants: list[Tenant]) -> bool:
    """Tell whether nothing waits or is unknown any more."""
    query = "select 1 from messaging.messages where tenant_id = any($1::uuid[]) and status = any($2) limit 1"
    return not await rows(product, query, [each.tenant_id for each in tenants], list(UNANSWERED))


async def messages_of(product: Product, chat: Chat) -> list[dict[str, Any]]:
    return await rows(
        product,
        "select id::text, direction, status, text, source, provider_message_id from messaging.messages"
        " where tenant_id = $1::uuid and chat_id = $2::uuid order by sequence",
        chat.tenant.tenant_id,
        chat.chat_id,
    )


async def check_what_came_in(product: Product, senders: Senders) -> None:
    """Compare what was answered 2xx with what is stored: lost, doubled, reordered, crossed, and what came from nowhere."""
    for chat in senders.chats:
        messages = await messages_of(product, chat)
        found = [each["provider_message_id"] for each in messages if each["direction"] == "inbound"]
        assert len(set(found)) == len(found), "doubled"
        assert set(chat.accepted) <= set(found), f"lost {sorted(set(chat.accepted) - set(found))[:3]}"
        assert [each for each in found if each not in chat.unknown] == chat.accepted, "reordered, or came from nowhere"

        asked = [f"re {each['text']}" for each in messages if each["direction"] == "inbound" and "?" in each["text"]]
        answered = [each["text"] for each in messages if each["source"] == "trigger"]
        assert sorted(answered) == sorted(asked), "a question has one answer"
        requested = {each["id"]: each["text"] for each in messages if each["source"] == "manual"}
        assert requested == chat.requested, "every request is one message, and nobody else made one"
        chat.outcomes = [(each["text"], each["status"]) for each in messages if each["direction"] == "outbound"]
    for schema in SCHEMAS:
        query = f"select count(*) as n from {schema}.parked_events where reason <> 'unknown_version'"
        assert (await rows(product, query))[0]["n"] == 0


async def check_what_went_out(senders: Senders) -> None:
    """Compare what the product says of its messages with what is on the customers' phones."""
    phones = {tenant.tenant_id: await tenant.whatsapp.history() for tenant in senders.tenants}
    for chat in senders.chats:
        phone = phones[chat.tenant.tenant_id].get(chat.address, [])
        assert doubled(phone) == [], "sent twice"
        sent = [text for text, status in chat.outcomes if status in DONE]
        assert set(phone) == set(sent), "what is said to be sent, and only that, is on the phone"
        assert phone == sent, "in the order in which it was queued"
        failed = {text: status for text, status in chat.outcomes if status not in DONE}
        assert failed == {}, "nothing had a reason to fail for good"


async def check_usage(product: Product, tenant: Tenant) -> None:
    """The meters say what the tables say."""
    (counted,) = await rows(
        product,
        "select count(*) filter (where direction = 'inbound') as messages_received,"
        " count(*) filter (where direction = 'outbound') as messages_sent,"
        " count(*) filter (where source = 'trigger') as automations_run,"
        " count(distinct chat_id) as active_contacts"
        " from messaging.messages where tenant_id = $1::uuid",
        tenant.tenant_id,
    )
    assert await tenant.usage() == counted
