"""What is old goes: raw deliveries by whole days, keys after two weeks, and nothing of anybody's that is not."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from channel_gateway.adapters import old_deliveries
from channel_gateway.adapters.old_deliveries import OldDeliveries
from kernel.ids import first_id_at, new_id
from testkit.eventually import eventually
from testkit.plugin import DatabaseOf

DAY_MS = 86_400_000


@pytest.fixture
async def gateways(gateways: Any, database_of: DatabaseOf) -> Any:
    """Around a database of one's own: these tests change its tables."""
    database = await database_of("channel-gateway", "channel_gateway")
    administrator = await asyncpg.connect(database.superuser_dsn)
    own = type(gateways)(database, administrator)
    yield own
    await own.close()
    await administrator.close()


async def partitions(gateway: Any) -> set[str]:
    found = await gateway.rows(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'channel_gateway.inbound_deliveries'::regclass"
    )
    return {row["relname"] for row in found}


def today() -> int:
    return int(datetime.now(UTC).timestamp() * 1000) // DAY_MS


async def test_days_are_made_ahead_and_old_days_dropped_whole(gateway: Any) -> None:
    old = today() - 9
    await gateway.rows(
        f"create table channel_gateway.inbound_deliveries_d{old} partition of channel_gateway.inbound_deliveries"
        f" for values from ('{first_id_at(old * DAY_MS)[:13]}-0000-0000-000000000000')"
        f" to ('{first_id_at((old + 1) * DAY_MS)[:13]}-0000-0000-000000000000')"
    )
    await gateway.rows(f"alter table channel_gateway.inbound_deliveries_d{old} owner to channel_gateway_owner")
    await OldDeliveries(gateway.assembly.works, 7).run_once()
    found = await partitions(gateway)
    assert f"inbound_deliveries_d{old}" not in found
    assert {f"inbound_deliveries_d{today() + ahead}" for ahead in range(8)} <= found


async def test_deliveries_lie_in_the_partition_of_their_day(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    await gateway.post(channel, text_of())
    (row,) = await gateway.rows("select tableoid::regclass::text as place from channel_gateway.inbound_deliveries")
    assert row["place"] == f"channel_gateway.inbound_deliveries_d{today()}"


async def test_a_day_that_nobody_made_in_time_keeps_its_rows_until_they_are_old(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    await gateway.rows(f"drop table channel_gateway.inbound_deliveries_d{today()}")
    await gateway.post(channel, text_of())
    housekeeping = OldDeliveries(gateway.assembly.works, 7)
    await housekeeping.run_once()
    assert await gateway.states(channel) == ["applied"]
    stray = first_id_at((today() - 8) * DAY_MS)
    await gateway.rows("update channel_gateway.inbound_deliveries set id = $1", stray)
    await housekeeping.run_once()
    assert await gateway.states(channel) == []


async def test_keys_are_forgotten_after_two_weeks_in_batches_and_of_every_tenant(
    gateway: Any, text_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(old_deliveries, "ROWS_AT_ONCE", 4)
    channels = [await gateway.connect(), await gateway.connect()]
    for channel in channels:
        await gateway.post(channel, text_of(bare_id="KEPT"))
        await gateway.rows(
            "insert into channel_gateway.delivery_keys select $1, $2, 'old ' || n, now() - interval '14 days 1 minute'"
            " from generate_series(1, 10) as n",
            channel.tenant.tenant_id,
            channel.id,
        )
        await gateway.rows(
            "insert into channel_gateway.delivery_keys values ($1, $2, 'not yet', now() - interval '13 days 23 hours')",
            channel.tenant.tenant_id,
            channel.id,
        )
    assert await OldDeliveries(gateway.assembly.works, 7).run_once() == 20
    left = await gateway.rows("select dedupe_key from channel_gateway.delivery_keys order by 1")
    assert [row["dedupe_key"] for row in left] == ["message:KEPT"] * 2 + ["not yet"] * 2


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(days=1), timedelta(days=8), timedelta(days=13)])
async def test_what_is_posted_again_after_eight_days_is_still_a_duplicate(
    gateway: Any, text_of: Any, age: timedelta
) -> None:
    channel, body = await gateway.connect(), text_of()
    assert (await gateway.post(channel, body)).json()["status"] == "queued"
    then = first_id_at(int((datetime.now(UTC) - age).timestamp() * 1000))
    await gateway.rows("update channel_gateway.inbound_deliveries set id = $1", then)
    await gateway.rows("update channel_gateway.delivery_keys set received_at = received_at - $1::interval", age)
    await OldDeliveries(gateway.assembly.works, 7).run_once()
    kept = len(await gateway.states(channel))
    assert kept == (age < timedelta(days=7)), "the raw row goes after a week, its key does not"

    answer = await gateway.post(channel, body)

    assert (answer.status_code, answer.json()["status"]) == (200, "duplicate")
    assert len(await gateway.said()) == 1


async def test_the_role_tidies_at_once_and_ends_when_told(gateway: Any) -> None:
    await gateway.rows(
        "insert into channel_gateway.delivery_keys values ($1, $2, 'old', now() - interval '15 days')",
        new_id(),
        new_id(),
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(OldDeliveries(gateway.assembly.works, 7).run(stopping))

    async def tidied() -> bool:
        return not await gateway.rows("select from channel_gateway.delivery_keys")

    await eventually(tidied)
    stopping.set()
    await asyncio.wait_for(running, 5)


def test_raw_rows_are_kept_for_less_time_than_their_keys() -> None:
    assert timedelta(days=7) < old_deliveries.KEYS_KEPT == timedelta(days=14)
