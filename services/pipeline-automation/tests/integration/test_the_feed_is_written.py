"""The feed: one statement for a batch, what was said as it was said, and no entry that a reader could miss."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from contracts.bundles import Bundle
from contracts.contact.tag_added_v1 import ContactTagAddedV1
from contracts.envelope import AnyEvent, encode
from contracts.public import EveryPublicEvent, public_events
from feeding import another_type, as_heard, feed
from kernel.ids import new_id
from outbox.inbox import Inbox
from outbox.work import UnitOfWork, Works
from pipeline_automation.adapters.feed_in_postgres import FeedInPostgres
from pipeline_automation.adapters.forgetting import Forgetting
from pipeline_automation.bootstrap import HEARING, LAST
from pipeline_automation.domain.feed import Question, place_before_oldest
from testkit.eventually import eventually

UNLOCKED = """
create or replace function pipeline_automation.take_feed_places(entries int) returns bigint
    language sql set search_path = pipeline_automation, pg_temp as $take$
    select setval('feed_places', greatest(last_value + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint << 20) + entries - 1)
        - entries + 1
    from feed_places
$take$
"""
LOCKS_AWAITED = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


def tagged(line: Any, tenant: str, tag: str, contact: str = "") -> AnyEvent:
    contact = contact or new_id()
    data = ContactTagAddedV1(contact_id=contact, tag=tag, version=2)
    event: AnyEvent = line.event(data, tenant, new_id(), subject=contact)
    return event


async def read_on(works: Works, tenant: str, after: int) -> tuple[list[str], int]:
    """Return the tags that stand behind a place, and the place from which to go on."""
    async with works.begin([tenant]) as work:
        found = await FeedInPostgres(work.connection).look(
            Question(tenant_id=tenant, after=after, limit=100, bills=True)
        )
    return [row["data"].partition('"tag":"')[2].partition('"')[0] for row in found.rows], found.seen


async def test_a_batch_of_any_size_and_any_types_is_one_statement_and_keeps_its_order(line: Any) -> None:
    tenant, other = new_id(), new_id()
    events = [tagged(line, tenant if number % 2 else other, f"t{number}") for number in range(200)]
    events[7] = another_type(events[7], "billing.account_created.v1", projectid=None, causationid=new_id())

    await line.hears(LAST.on_any_public_event, *as_heard(events))

    assert len(line.statements) == 1
    rows = await line.rows("select * from feed_entries order by place")
    assert [str(row["event_id"]) for row in rows] == [event.id for event in events]
    assert [str(row["contact_id"]) for row in rows] == [event.subject for event in events]
    assert [row["data"] for row in rows] == [encode(event.data).decode() for event in events]
    row, event = rows[7], events[7]
    assert (row["type"], row["project_id"], str(row["causation_id"]), row["actor"], row["occurred_at"]) == (
        event.type,
        None,
        event.causationid,
        event.actor,
        event.time,
    )


async def test_what_a_rule_and_the_feed_both_hear_takes_effect_once_for_each(line: Any) -> None:
    tenant = new_id()
    bundle = Bundle(new_id(), as_heard([tagged(line, tenant, "vip")]))
    rules: list[str] = []

    async def rule(events: Any, work: UnitOfWork) -> None:
        rules.extend(event.id for event in events)

    async def keep(events: Any, work: UnitOfWork) -> None:
        await feed(work, *events)

    inbox = Inbox(line.works)
    for heard in (
        [("contact_tag_added", [bundle], rule), ("any_public_event", [bundle], keep)],
        [("any_public_event", [bundle], keep)],
        [("contact_tag_added", [bundle], rule), ("any_public_event", [bundle], keep)],
    ):
        await inbox.apply(heard)

    assert rules == [event.id for event in bundle.events]
    assert [str(row["event_id"]) for row in await line.rows("select event_id from feed_entries")] == rules


def test_the_feed_hears_what_is_offered_and_is_heard_last() -> None:
    assert LAST.HEARS is EveryPublicEvent
    assert LAST not in HEARING
    assert "message.received.v1" in public_events()


async def two_transactions(line: Any) -> tuple[list[str], bool]:
    """Let the transaction that was first to append commit last; return what a reader sees who reads on all the while.

    Also tells whether the second had to wait for the first.
    """
    tenant = new_id()
    seen: list[str] = []
    after = place_before_oldest(datetime.now(UTC))
    appended, may_commit = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with line.works.begin([tenant]) as work:
            await feed(work, tagged(line, tenant, "first"))
            appended.set()
            await may_commit.wait()

    async def second() -> None:
        await appended.wait()
        async with line.works.begin([tenant]) as work:
            await feed(work, tagged(line, tenant, "second"))

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        latter = group.create_task(second())

        async def settled() -> bool:
            return latter.done() or bool(await line.administrator.fetchval(LOCKS_AWAITED))

        await eventually(settled, every_s=0.005, because="the second waits or is done")
        waits = not latter.done()
        for _ in range(2):
            found, after = await read_on(line.works, tenant, after)
            seen += found
            may_commit.set()
            await asyncio.sleep(0.02)
    found, _ = await read_on(line.works, tenant, after)
    return seen + found, waits


async def test_whoever_reads_on_misses_no_entry_that_commits_late(line: Any) -> None:
    assert await two_transactions(line) == (["first", "second"], True)


async def test_without_taking_turns_the_late_entry_would_be_missed(line: Any) -> None:
    await line.administrator.execute(UNLOCKED)
    assert await two_transactions(line) == (["second"], False)


async def test_a_transaction_that_fails_leaves_nothing_and_holds_up_nobody(line: Any) -> None:
    tenant = new_id()
    with pytest.raises(ZeroDivisionError):
        async with line.works.begin([tenant]) as work:
            await feed(work, tagged(line, tenant, "lost"))
            raise ZeroDivisionError
    async with line.works.begin([tenant]) as work:
        await feed(work, tagged(line, tenant, "kept"))
    assert (await read_on(line.works, tenant, place_before_oldest(datetime.now(UTC))))[0] == ["kept"]


async def test_days_are_made_ahead_and_dropped_whole_after_thirty(line: Any) -> None:
    today = int(datetime.now(UTC).timestamp()) // 86400
    for day in (today - 31, today - 30):
        bounds = [number * 86_400_000 << 20 for number in (day, day + 1)]
        await line.administrator.execute(
            f"create table feed_entries_d{day} partition of feed_entries for values from ({bounds[0]}) to ({bounds[1]});"
            f" alter table feed_entries_d{day} owner to pipeline_automation_owner"
        )

    await Forgetting(line.works).run_once()

    rows = await line.rows("select relname from pg_class where relname ~ '^feed_entries_d[0-9]+$' order by relname")
    assert [row["relname"] for row in rows] == [f"feed_entries_d{today + day}" for day in (-30, 0, 1, 2, 3)]


async def test_the_feed_is_only_ever_added_to(line: Any) -> None:
    tenant = new_id()
    async with line.works.begin([tenant]) as work:
        await feed(work, tagged(line, tenant, "kept"))
    for statement in ("update feed_entries set data = '{}'", "delete from feed_entries"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with line.works.begin([tenant]) as work:
                await work.connection.execute(statement)


async def test_a_look_is_bounded_and_says_so(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline_automation.adapters.feed_in_postgres.LOOKED_AT", 5)
    tenant, contact = new_id(), new_id()
    events = [tagged(line, tenant, f"t{number}") for number in range(9)] + [tagged(line, tenant, "hers", contact)]
    async with line.works.begin([tenant]) as work:
        await feed(work, *events)
    start = place_before_oldest(datetime.now(UTC))
    question = Question(tenant_id=tenant, after=start, limit=3, bills=True, subject=contact)
    async with line.works.begin([tenant]) as work:
        reading = FeedInPostgres(work.connection)
        first = await reading.look(question)
        second = await reading.look(question.going_on(first.seen))
        third = await reading.look(question.going_on(second.seen))
        hers = await reading.look(Question(tenant_id=tenant, after=start, limit=3, bills=True, contact_id=contact))
    assert (len(first.rows), first.more, len(second.rows), second.more) == (0, True, 1, True)
    assert (len(third.rows), third.more, third.seen) == (0, False, second.seen)
    assert [row["id"] for row in hers.rows] == [events[-1].id]


async def test_looks_go_by_an_index_and_pass_over_days_that_are_over(line: Any) -> None:
    tenant = new_id()
    async with line.works.begin([tenant]) as work:
        await feed(work, *(tagged(line, tenant, f"t{number}") for number in range(500)))
        asked = Question(tenant_id=tenant, after=0, limit=20, bills=True)
        asked = asked.going_on(int((datetime.now(UTC) + timedelta(minutes=-5)).timestamp() * 1000) << 20)
        plan = await explained(work, asked)
        of_contact = await explained(
            work, Question(tenant_id=tenant, after=asked.after, limit=20, bills=True, contact_id=new_id())
        )
    assert "Seq Scan" not in plan + of_contact
    assert "actual rows=500" not in plan, "who picks none is shown what was looked at"
    assert "contact_id" in of_contact.partition("Index Cond")[2]


async def explained(work: UnitOfWork, question: Question) -> str:
    """Return the plan of a look, as its connection would run it."""
    asked: list[tuple[str, Any]] = []

    class Listening:
        async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
            asked.append((statement, arguments))
            return await work.connection.fetch(statement, *arguments)

    await FeedInPostgres(Listening()).look(question)  # type: ignore[arg-type]
    ((statement, arguments),) = asked
    rows = await work.connection.fetch(f"explain (analyze, timing off, costs off) {statement}", *arguments)
    return "\n".join(row[0] for row in rows)
