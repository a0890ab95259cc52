"""Postgres ends sessions, holds locks and refuses to write: that is infrastructure, and parks nothing."""

import asyncio

import asyncpg
from testkit.eventually import eventually
from toy_wire import Wire


async def test_terminated_database_sessions_lose_nothing(wire: Wire) -> None:
    wire.start()
    await wire.say(chats=5, each=1)
    terminate = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and usename in ('toy_app', 'toy_relay') and application_name like 'toy%'"
    )
    cut = 0

    await eventually(wire.count, within_s=40, because="there are sessions to end")
    for _ in range(6):
        await wire.say(chats=5, each=6, batch=10)
        cut += await wire.administrator.fetchval(terminate)
        await asyncio.sleep(0.3)

    assert cut > 0, "the fault did not bite"
    await wire.settled()
    await wire.check()
    assert await wire.parked() == []


async def test_without_the_class_of_infrastructure_healthy_events_are_parked(wire: Wire) -> None:
    await wire.say(chats=3, each=5)
    wire.start("relay")
    owner = await asyncpg.connect(wire.database.superuser_dsn)
    async with owner.transaction():
        await owner.execute("lock table toy.applied in access exclusive mode")  # nobody gets the lock in time
        wire.start("consume", WITHOUT="infrastructure")
        await eventually(wire.parked, within_s=30)
    await owner.close()


async def test_a_lock_held_for_long_parks_nothing(wire: Wire) -> None:
    await wire.say(chats=3, each=5)
    wire.start("relay")
    owner = await asyncpg.connect(wire.database.superuser_dsn)
    async with owner.transaction():
        await owner.execute("lock table toy.applied in access exclusive mode")
        wire.start("consume")
        await eventually(lambda: "batch repeated" in wire.log_text(), within_s=30, because="the lock is felt")
    await owner.close()

    await wire.settled()
    await wire.check()
    assert await wire.parked() == []


async def test_transactions_that_met_more_often_than_a_race_may_last_park_nothing(wire: Wire) -> None:
    await wire.administrator.execute(
        """
        create sequence toy.meetings;
        grant usage on sequence toy.meetings to toy_app;
        create function toy.meet() returns trigger language plpgsql as $$ begin
            if nextval('toy.meetings') <= 12 then raise exception 'met' using errcode = '40P01'; end if;
            return new;
        end $$;
        create trigger meet before insert on toy.applied for each statement execute function toy.meet();
        """
    )
    wire.start()
    await wire.say(chats=3, each=5)

    await wire.settled()
    await wire.check()
    assert await wire.parked() == []
    assert await wire.administrator.fetchval("select last_value from toy.meetings") > 12, "the fault did not bite"


async def test_a_read_only_database_parks_nothing_and_goes_on_in_place(wire: Wire) -> None:
    wire.start()
    await wire.say(chats=3, each=5)
    await wire.settled()
    owner = await asyncpg.connect(wire.database.superuser_dsn)
    name = await owner.fetchval("select current_database()")
    await wire.say(chats=3, each=5)
    await owner.execute(f'alter role toy_app in database "{name}" set default_transaction_read_only = on')
    await owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'toy_app' and application_name = 'toy'"
    )
    async with wire.works.database.connection() as connection:
        await connection.execute("set default_transaction_read_only = off")
    await wire.say(chats=3, each=10)
    await asyncio.sleep(2)
    assert await wire.parked() == []

    await owner.execute(f'alter role toy_app in database "{name}" reset default_transaction_read_only')
    await owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'toy_app' and application_name = 'toy'"
    )
    await owner.close()

    await wire.settled()
    await wire.check()
    assert await wire.parked() == []
