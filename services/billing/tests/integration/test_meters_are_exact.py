"""Usage equals a plain count over the distinct events, however they are delivered."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from contracts.envelope import AnyEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.ids import new_id
from testkit.eventually import eventually
from testkit.serving import a_caller

BORDERS = [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)]
FIRST, LAST = "2026-10-01", "2026-12-31"
WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()
"""


class Happening(NamedTuple):
    """One thing that happened; tenants, projects and contacts are numbers until an example gives them ids."""

    kind: str
    tenant: int
    project: int
    contact: int | None
    at: datetime
    origin: str = "live"
    source: str = "manual"


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Times around the borders of days and months, written in various zones."""
    zone = timezone(timedelta(hours=draw(st.sampled_from([-3, 0, 9]))))
    return (draw(st.sampled_from(BORDERS)) + timedelta(minutes=draw(st.integers(-90, 90)))).astimezone(zone)


happenings = st.lists(
    st.builds(
        Happening,
        kind=st.sampled_from(["received", "sent", "executed"]),
        tenant=st.integers(0, 1),
        project=st.integers(0, 1),
        contact=st.none() | st.integers(0, 2),
        at=moments(),
        origin=st.sampled_from(["live", "live", "reconciled", "history"]),
        source=st.sampled_from(["manual", "trigger", "phone", "history_import", "test"]),
    ),
    min_size=1,
    max_size=30,
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Happening], list[list[int]]]:
    """What happened, and in which batches it is delivered: everything at least once, in any order, much of it again."""
    found = draw(happenings)
    places = st.integers(0, len(found) - 1)
    order = [*draw(st.permutations(range(len(found)))), *draw(st.lists(places, max_size=20))]
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    edges = [0, *cuts, len(order)]
    return found, [order[start:stop] for start, stop in pairwise(edges)]


class Cast:
    """The ids of one example."""

    def __init__(self) -> None:
        self.tenants = [new_id() for _ in range(2)]
        self.projects = [[new_id() for _ in range(2)] for _ in range(2)]
        self.contacts = [new_id() for _ in range(3)]  # the same ids in both tenants: the wall must tell them apart

    def event(self, house: Any, what: Happening) -> AnyEvent:
        """Return the event of a happening."""
        place = (self.tenants[what.tenant], self.projects[what.tenant][what.project], what.at)
        contact = None if what.contact is None else self.contacts[what.contact]
        if what.kind == "received":
            made: AnyEvent = house.received(*place, contact=contact, origin=what.origin)
        elif what.kind == "sent":
            made = house.sent(*place, contact=contact, origin=what.origin, source=what.source)
        else:
            made = house.executed(*place)
        return made


def counted(found: Sequence[Happening], length: int) -> Counter[tuple[int, int, str, str]]:
    """Count plainly: tenant, project, metric and the day (length 10) or month (7) it fell into."""
    count: Counter[tuple[int, int, str, str]] = Counter()
    active = set()
    for what in found:
        when = what.at.astimezone(UTC).isoformat()[:length]
        if what.kind == "executed":
            count[what.tenant, what.project, "automations_run", when] += 1
            continue
        if what.origin == "history" or (what.kind == "sent" and what.source in ("history_import", "test")):
            continue
        if what.kind == "received":
            count[what.tenant, what.project, "messages_received", when] += 1
        elif what.source != "phone":
            count[what.tenant, what.project, "messages_sent", when] += 1
        if what.contact is not None:
            active.add((what.tenant, what.project, what.contact, when))
    for tenant, project, _, when in active:
        count[tenant, project, "active_contacts", when] += 1
    return count


async def read(house: Any, cast: Cast, period: str) -> Counter[tuple[int, int, str, str]]:
    count: Counter[tuple[int, int, str, str]] = Counter()
    for number, tenant in enumerate(cast.tenants):
        caller = a_caller(tenant, cast.projects[number][0], owner=True)
        for row in await house.usage(caller, **{"from": FIRST, "to": LAST, "group_by": period}):
            count[number, cast.projects[number].index(row["project_id"]), row["metric"], row[period]] = row["quantity"]
    return count


@given(deliveries())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_usage_is_a_plain_count_of_what_happened_under_any_batching_order_and_redelivery(
    house: Any, delivered: tuple[list[Happening], list[list[int]]]
) -> None:
    found, batches = delivered
    cast = Cast()
    events = [cast.event(house, what) for what in found]

    for batch in batches:
        by_type: dict[str, list[AnyEvent]] = {}
        for number in batch:
            by_type.setdefault(events[number].type, []).append(events[number])
        for same in by_type.values():
            await house.hears(*same)

    assert await read(house, cast, "day") == counted(found, 10)
    assert await read(house, cast, "month") == counted(found, 7)


async def test_without_the_inbox_a_redelivery_would_count_twice(house: Any) -> None:
    cast = Cast()
    message = Happening("received", 0, 0, 0, house.noon)
    event = cast.event(house, message)

    await house.hears_without_inbox(event)
    await house.hears_without_inbox(event)

    wrong = await read(house, cast, "month")
    assert wrong != counted([message], 7)
    assert wrong[0, 0, "messages_received", "2026-11"] == 2
    assert wrong[0, 0, "active_contacts", "2026-11"] == 1


async def test_batches_at_once_lose_nothing(house: Any) -> None:
    cast = Cast()
    found = [
        Happening(kind, number % 2, number // 2 % 2, number % 3, house.noon + timedelta(hours=number % 7))
        for kind in ("received", "sent")
        for number in range(400)
    ]
    events = [cast.event(house, what) for what in found]

    batches = [events[start : start + 100] for start in range(0, 800, 100)]
    await asyncio.gather(*(house.hears(*batch) for batch in [*batches, *batches]))

    assert await read(house, cast, "day") == counted(found, 10)
    assert await read(house, cast, "month") == counted(found, 7)


async def test_two_batches_that_name_the_hours_in_opposite_order_wait_for_each_other(house: Any) -> None:
    cast = Cast()
    found = [Happening("received", 0, 0, None, house.noon + timedelta(hours=hour)) for hour in range(5)]
    administrator = house.served.administrator

    await house.hears(*(cast.event(house, what) for what in found))
    async with administrator.transaction():
        # Both batches are held up in the middle, with half of the hours behind them if they did not sort.
        await administrator.execute("select from billing.usage_meters where starts_at = $1 for update", found[2].at)
        forward = asyncio.create_task(house.hears(*(cast.event(house, what) for what in found)))
        backward = asyncio.create_task(house.hears(*(cast.event(house, what) for what in reversed(found))))

        async def both_wait() -> bool:
            await administrator.execute("select pg_stat_clear_snapshot()")
            return bool(await administrator.fetchval(WAITING) == 2)

        await eventually(both_wait)

    assert await asyncio.gather(forward, backward) == [5, 5]
    assert await read(house, cast, "month") == counted(found * 3, 7)


@pytest.mark.parametrize("size", [1, 500])
async def test_a_batch_costs_one_statement_beyond_the_inbox_whatever_its_size(house: Any, size: int) -> None:
    cast = Cast()
    events = [
        cast.event(house, Happening("received", number % 2, number % 2, number % 3, house.noon))
        for number in range(size)
    ]
    statements: list[str] = []
    handle = next(each.handle for each in house.served.blueprint.subscriptions if each.reader.type == events[0].type)

    def note(record: Any) -> None:
        if "typeinfo" not in record.query and "jit" not in record.query:  # a fresh connection asks for types
            statements.append(record.query)

    async with house.served.parts.works.begin(cast.tenants) as work:
        work.connection.add_query_logger(note)
        await handle(events, work)
        await asyncio.sleep(0.05)  # the driver logs a moment later
        work.connection.remove_query_logger(note)

    assert len(statements) == 1
    assert await read(house, cast, "day") == counted(
        [Happening("received", number % 2, number % 2, number % 3, house.noon) for number in range(size)], 10
    )
