"""One bad row fails alone; a database that is away is answered with 503, soon, and leaves nothing behind."""

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from channel_gateway.adapters.waha.webhooks import WahaWebhooks
from channel_gateway.domain.delivery import Delivery
from channel_gateway.domain.inbound import InboundMessage
from channel_gateway.domain.receiving_channel import ReceivingChannel
from telemetry.metrics import value_of

LARGE = "\U0001f642" * 65_536  # 256 KiB of text as it is: no event holds it


async def test_an_event_too_large_for_the_wire_is_parked_and_its_neighbours_pass(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    bodies = [text_of(f"message {number}", bare_id=f"ID{number}") for number in range(12)]
    bodies[5] = text_of(LARGE, bare_id="LARGE")
    await gateway.post(channel, text_of("warm up", bare_id="WARM"))
    answers = await asyncio.gather(*(gateway.post(channel, body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["status"] for answer in answers} == {"queued"}
    assert sorted(await gateway.states(channel)) == ["applied"] * 12 + ["parked"]
    said = [event["data"]["content"]["text"] for event in await gateway.said()]
    assert said == ["warm up", *(f"message {number}" for number in range(12) if number != 5)]
    (parked,) = await gateway.rows("select * from channel_gateway.parked_events")
    assert (parked["reason"], parked["status"]) == ("poison", "parked")
    assert "payload_too_large" in parked["error"]
    keys = await gateway.rows("select dedupe_key from channel_gateway.delivery_keys")
    assert "message:LARGE" not in {row["dedupe_key"] for row in keys}
    (activity,) = await gateway.rows("select * from channel_gateway.channel_activity")
    assert activity["messages_received"] == 12


class RefusedByPostgres(WahaWebhooks):
    """A translator that lets through what Postgres cannot hold."""

    def delivery(self, delivery_id: str, channel: ReceivingChannel, **more: Any) -> Delivery:
        found = super().delivery(delivery_id, channel, **more)
        poison = isinstance(found.inbound, InboundMessage) and found.inbound.content.text == "poison"
        if not poison or not isinstance(found.inbound, InboundMessage):
            return found
        return found._replace(inbound=found.inbound._replace(provider_message_id=self.key))

    key = "NUL\x00"


@pytest.mark.parametrize("key", ["NUL\x00", "half\ud83d"])
async def test_a_text_that_postgres_refuses_is_parked_alone(gateways: Any, text_of: Any, key: str) -> None:
    provider = RefusedByPostgres()
    provider.key = key
    gateway = await gateways.make(provider=provider)
    channel = await gateway.connect()
    bodies = [text_of("poison" if number == 3 else f"message {number}", bare_id=f"ID{number}") for number in range(9)]
    answers = await asyncio.gather(*(gateway.post(channel, body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200] * 9
    assert sorted(await gateway.states(channel)) == ["applied"] * 8 + ["parked"]
    assert len(await gateway.said()) == 8
    (parked,) = await gateway.rows("select reason, error, event from channel_gateway.parked_events")
    assert parked["reason"] == "poison"
    assert b"poison" in bytes(parked["event"])


async def test_many_at_once_share_few_transactions(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    await gateway.post(channel, text_of("warm up", bare_id="WARM"))
    before = value_of("ingest_batch_size_count")
    answers = await asyncio.gather(
        *(gateway.post(channel, text_of(f"m{number}", bare_id=f"ID{number}")) for number in range(200))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert value_of("ingest_batch_size_count") - before <= 20
    transactions = await gateway.rows(
        "select count(distinct xmin::text) as count from channel_gateway.inbound_deliveries"
    )
    assert transactions[0]["count"] <= 21
    texts = [event["data"]["content"]["text"] for event in await gateway.said()]
    assert sorted(texts[1:]) == sorted(f"m{number}" for number in range(200))


class Passage:
    """A way to Postgres that can be closed (`refuse`) or go silent (`stall`)."""

    def __init__(self, dsn: str) -> None:
        self._parts = urlsplit(dsn)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        place = f"{self._parts.username}:{self._parts.password}@127.0.0.1:{self.port}"
        return urlunsplit(self._parts._replace(netloc=place))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._writers |= {writer, back}
        for one, other in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._copy(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def stall(self) -> None:
        self._open.clear()

    def flow(self) -> None:
        self._open.set()

    async def refuse(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self.flow()
        await self.refuse()
        for task in self._tasks:
            task.cancel()


@pytest.fixture
async def passage(gateways: Any) -> Any:
    found = Passage(gateways.database.app_dsn)
    yield found
    await found.stop()


async def counts(gateway: Any) -> list[int]:
    found = await gateway.rows(
        "select (select count(*) from channel_gateway.inbound_deliveries) as deliveries,"
        " (select count(*) from channel_gateway.delivery_keys) as keys,"
        " (select count(*) from channel_gateway.parked_events) as parked,"
        " (select coalesce(sum(events), 0) from channel_gateway.outbox_bundles where type like 'channel.message%') as events"
    )
    return list(found[0].values())


async def test_postgres_away_is_answered_with_503_and_nothing_else_happens(
    gateways: Any, passage: Any, text_of: Any
) -> None:
    gateway = await gateways.make(dsn=await passage.start())
    channel = await gateway.connect()
    assert (await gateway.post(channel, text_of(bare_id="BEFORE"))).status_code == 200
    before = await counts(gateway)
    await passage.refuse()
    started = time.monotonic()
    answers = await asyncio.gather(*(gateway.post(channel, text_of(bare_id=f"AWAY{number}")) for number in range(10)))
    assert [answer.status_code for answer in answers] == [503] * 10
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert {answer.json()["code"] for answer in answers} == {"dependency_unavailable"}
    assert time.monotonic() - started < 10
    assert await counts(gateway) == before
    await passage.start()
    assert (await gateway.post(channel, text_of(bare_id="AWAY0"))).json()["status"] == "queued"


async def test_a_postgres_that_goes_silent_keeps_nobody_waiting_for_long(
    gateways: Any, passage: Any, text_of: Any
) -> None:
    gateway = await gateways.make(dsn=await passage.start())
    channel = await gateway.connect()
    assert (await gateway.post(channel, text_of(bare_id="BEFORE"))).status_code == 200
    passage.stall()
    started = time.monotonic()
    answers = await asyncio.gather(*(gateway.post(channel, text_of(bare_id=f"SILENT{n}")) for n in range(5)))
    assert [answer.status_code for answer in answers] == [503] * 5
    assert time.monotonic() - started < 10
    passage.flow()
    for number in range(5):
        assert (await gateway.post(channel, text_of(bare_id=f"SILENT{number}"))).status_code == 200
    keys = [event["data"]["provider_message_id"] for event in await gateway.said()]
    assert sorted(keys) == ["BEFORE", *(f"SILENT{n}" for n in range(5))]


async def test_connections_that_died_meanwhile_are_not_the_providers_business(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    await gateway.post(channel, text_of(bare_id="BEFORE"))
    await gateway.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tests'"
        " and datname = current_database() and pid <> pg_backend_pid()"
    )
    assert (await gateway.post(channel, text_of(bare_id="AFTER"))).status_code == 200


async def test_a_lock_that_nobody_lets_go_of_is_answered_with_503(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    await gateway.post(channel, text_of(bare_id="BEFORE"))
    before = await counts(gateway)
    blocker = await asyncpg.connect(gateway.database.superuser_dsn)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("lock table channel_gateway.inbound_deliveries in access exclusive mode")
    started = time.monotonic()
    answer = await gateway.post(channel, text_of(bare_id="LOCKED"))
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
    assert time.monotonic() - started < 10
    await transaction.rollback()
    await blocker.close()
    assert await counts(gateway) == before
    assert (await gateway.post(channel, text_of(bare_id="LOCKED"))).json()["status"] == "queued"


async def test_a_read_only_database_is_answered_with_503(gateways: Any, text_of: Any) -> None:
    gateway = await gateways.make()
    channel = await gateway.connect()
    name = gateway.database.app_dsn.rpartition("/")[2]
    await gateway.administrator.execute(f'alter database "{name}" set default_transaction_read_only = on')
    try:
        standby = await gateways.make()
        answer = await standby.post(channel, text_of())
        assert (answer.status_code, answer.json()["code"]) == (503, "dependency_unavailable")
    finally:
        await gateway.administrator.execute(f'alter database "{name}" reset default_transaction_read_only')
    assert await counts(gateway) == [0, 0, 0, 0]


async def test_a_door_whose_channels_cannot_be_looked_up_answers_503_too(
    gateways: Any, passage: Any, text_of: Any
) -> None:
    gateway = await gateways.make()
    channel = await gateway.connect()
    cold = await gateways.make(dsn=await passage.start())
    await passage.refuse()
    answer = await cold.post(channel, text_of())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
