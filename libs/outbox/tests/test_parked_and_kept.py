"""Parked events are decided once; tables are kept in partitions; the backlog is told in numbers only."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from contracts.reading import Unreadable
from kernel.errors import DomainError
from kernel.ids import first_id_at, milliseconds_of, new_id
from outbox.inbox import Inbox
from outbox.parked import Parked, ParkedEvents
from outbox.tables import drop_outbox_tables, outbox_tables
from outbox.work import UnitOfWork, Works
from postgres.database import Database
from testkit.eventually import eventually
from testkit.plugin import EmptyDatabaseOf
from testkit.servers import ServiceDatabase

TENANT, OTHER = new_id(), new_id()
WEEK_MS = 604_800_000


@dataclass
class Toy:
    """Units of work over the tables, and a view from above."""

    found: ServiceDatabase
    works: Works
    administrator: asyncpg.Connection
    applied: list[str]
    broken: bool = True

    async def redrive(self, row: Any, work: UnitOfWork) -> None:
        if self.broken:
            raise ValueError("still poisonous")
        await work.connection.execute("select pg_sleep(0.1)")
        self.applied.append(str(row["event_id"]))

    def events(self) -> ParkedEvents:
        return ParkedEvents(self.works, "toy", {"hears": self.redrive})

    async def park(self, *tenants: str | None) -> list[Any]:
        items = [
            Parked("hears", Unreadable(b"{}", "poison", "ValueError", event_id=new_id(), tenant_id=t)) for t in tenants
        ]
        await Inbox(self.works).park("hears", items)
        return list(await self.administrator.fetch("select * from toy.parked_events order by id"))


@pytest_asyncio.fixture
async def toy(empty_database_of: EmptyDatabaseOf) -> AsyncIterator[Toy]:
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(outbox_tables("toy"))
    await owner.close()
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    yield Toy(found, Works(database, partitions=4), administrator, [])
    await administrator.close()
    await database.close()


async def test_of_two_redrives_at_once_one_applies(toy: Toy) -> None:
    (row,) = await toy.park(TENANT)
    toy.broken = False

    answers = await asyncio.gather(
        *(toy.events().redrive(TENANT, str(row["id"])) for _ in range(2)), return_exceptions=True
    )

    refused = [each for each in answers if isinstance(each, DomainError)]
    assert [each.code for each in refused] == ["invalid_state"]
    assert toy.applied == [str(row["event_id"])]


async def test_a_redrive_that_fails_again_stays_parked_and_is_counted(toy: Toy) -> None:
    (row,) = await toy.park(TENANT)

    with pytest.raises(DomainError, match="rule_violated"):
        await toy.events().redrive(TENANT, str(row["id"]))

    (after,) = await toy.administrator.fetch("select * from toy.parked_events")
    assert (after["status"], after["attempts"]) == ("parked", row["attempts"] + 1)


async def test_another_tenants_parked_event_does_not_exist(toy: Toy) -> None:
    (row,) = await toy.park(TENANT)

    with pytest.raises(DomainError, match="not_found"):
        await toy.events().redrive(OTHER, str(row["id"]))


async def test_bytes_that_name_no_tenant_are_parked_once_and_seen_by_nobody_of_a_tenant(toy: Toy) -> None:
    unreadable = Unreadable(b"\x00", "undecodable", "no json", event_id=new_id())
    for _ in range(2):
        await Inbox(toy.works).park("hears", [Parked("hears", unreadable)])

    rows = await toy.administrator.fetch("select tenant_id, event from toy.parked_events")
    assert [(row["tenant_id"], row["event"]) for row in rows] == [(None, b"\x00")]
    async with toy.works.begin([TENANT, OTHER]) as work:
        assert await work.connection.fetchval("select count(*) from parked_events") == 0


async def test_partitions_are_made_ahead_and_old_ones_dropped_whole(toy: Toy) -> None:
    owner = await asyncpg.connect(toy.found.owner_dsn)
    this_week = milliseconds_of(new_id()) // WEEK_MS
    old = this_week - 10
    await owner.execute(
        f"create table outbox_bundles_w{old} partition of outbox_bundles"
        f" for values from ('{first_id_at(old * WEEK_MS)}') to ('{first_id_at((old + 1) * WEEK_MS)}')"
    )
    await owner.close()

    async with toy.works.begin([]) as work:
        await work.connection.execute("select keep_partitions(30, 14)")

    names = {
        row["relname"] for row in await toy.administrator.fetch("select relname from pg_class where relispartition")
    }
    assert f"outbox_bundles_w{old}" not in names
    for parent in ("outbox_bundles", "inbox_bundles"):
        assert {f"{parent}_w{this_week + ahead}" for ahead in range(3)} <= names


async def test_the_backlog_is_told_in_numbers_to_somebody_who_sees_no_rows(toy: Toy) -> None:
    await toy.park(TENANT)
    await toy.administrator.execute("update toy.parked_events set parked_at = now() - interval '1 hour'")

    async with toy.works.begin([]) as work:
        row = await work.connection.fetchrow("select * from backlog()")

    assert row["outbox_age_s"] == 0
    assert 3500 < row["parked_age_s"] < 3700


async def test_tables_that_have_grown_are_analysed(toy: Toy) -> None:
    owner = await asyncpg.connect(toy.found.owner_dsn)
    await owner.execute("create table grown (id int); insert into grown select generate_series(1, 1000)")
    await owner.close()
    await toy.administrator.execute("select pg_stat_force_next_flush()")

    async def analysed() -> bool:
        async with toy.works.begin([]) as work:
            await work.connection.execute("select keep_statistics()")
        return bool(await toy.administrator.fetchval("select reltuples = 1000 from pg_class where relname = 'grown'"))

    await eventually(analysed, within_s=10, every_s=0.3)


async def test_everything_can_be_taken_back(toy: Toy) -> None:
    owner = await asyncpg.connect(toy.found.owner_dsn)
    await owner.execute(drop_outbox_tables("toy"))
    left = await owner.fetchval("select count(*) from pg_class where relnamespace = 'toy'::regnamespace")
    await owner.execute(outbox_tables("toy"))
    await owner.close()

    assert left == 0
