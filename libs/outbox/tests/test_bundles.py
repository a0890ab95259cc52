"""What one transaction said travels together, is met together, and where it had to be cut, event by event."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from bus.applying import Applier
from bus.subscription import Subscription
from contracts.bundles import BUNDLES, Bundle, StoredBundle, message_of, packed, read_bundles
from contracts.envelope import MAX_EVENT_BYTES, AnyEvent, encode, first_event
from contracts.fields import Wire
from contracts.reading import Reader, UndecodableError
from hypothesis import given
from hypothesis import strategies as st
from kernel.clock import utc_now
from kernel.ids import new_id
from outbox.inbox import Inbox
from outbox.parked import Parked, describe
from outbox.said import events_said
from outbox.tables import outbox_tables
from outbox.work import UnitOfWork, Works
from postgres.database import Database
from postgres.failures import classify
from testkit.plugin import EmptyDatabaseOf

ONE, OTHER = new_id(), new_id()


class ThingHappenedV1(Wire, kw_only=True):
    """Something happened."""

    TYPE: ClassVar[str] = "toy.thing_happened.v1"
    number: int


READER = Reader(ThingHappenedV1)


def thing(number: int, tenant: str = ONE, key: str = "chat") -> AnyEvent:
    return first_event(
        ThingHappenedV1(number=number),
        id=new_id(),
        source="toy",
        subject=key,
        time=utc_now(),
        tenant_id=tenant,
        project_id=None,
        partition_key=key,
        correlation_id=new_id(),
        actor="system:tests",
    )


def stored(events: Sequence[AnyEvent]) -> StoredBundle:
    return StoredBundle(new_id(), len(events), packed([encode(each) for each in events]))


@given(st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=6))
def test_a_message_gives_back_the_bundles_that_it_carries(sizes: list[int]) -> None:
    said = [[thing(number) for number in range(size)] for size in sizes]
    bundles = [stored(events) for events in said]

    body, headers = message_of(bundles)

    assert headers["events"] == sum(sizes)
    heard = [(bundle.id, list(bundle.events)) for bundle in read_bundles(READER, body, headers[BUNDLES])]
    assert heard == [(bundle.id, events) for bundle, events in zip(bundles, said, strict=True)]


def test_a_plain_array_holds_bundles_of_one_event_each() -> None:
    events = [thing(1), thing(2)]
    body = b"[" + b",".join(map(encode, events)) + b"]"
    assert [(each.id, each.events) for each in read_bundles(READER, body, None)] == [(e.id, [e]) for e in events]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body, header: (body[:-1], header),
        lambda body, header: (body + b"x", header),
        lambda body, header: (body, header[:-1]),
        lambda body, header: (body, [each + "0" for each in header]),
        lambda body, header: (body, 7),
        lambda body, header: (body, [None]),
        lambda body, header: (body, [each.replace("-", "", 1) for each in header]),
        lambda body, header: (b"\x00" * len(body), header),
        lambda body, header: (b"{", None),
    ],
    ids=[
        "cut off",
        "too long",
        "one not named",
        "wrong sizes",
        "no list",
        "no text",
        "no id",
        "not packed",
        "no array",
    ],
)
def test_what_cannot_be_opened_is_undecodable_and_never_half_read(spoil: Any) -> None:
    body, headers = message_of([stored([thing(1)]), stored([thing(2)])])
    with pytest.raises(UndecodableError):
        read_bundles(READER, *spoil(body, headers[BUNDLES]))


def test_a_bundle_that_unpacks_to_more_than_a_bundle_may_hold_is_refused() -> None:
    bomb = StoredBundle(new_id(), 1, packed([b" " * 300_000]))
    body, headers = message_of([bomb])
    with pytest.raises(UndecodableError):
        read_bundles(READER, body, headers[BUNDLES])


def test_a_bundle_of_nothing_is_nothing() -> None:
    body, headers = message_of([stored([]), stored([thing(1)])])
    assert [len(bundle.events) for bundle in read_bundles(READER, body, headers[BUNDLES])] == [1]


async def test_an_event_of_the_largest_size_that_cannot_be_compressed_arrives(toy: "Toy") -> None:
    event = thing(1)
    room = MAX_EVENT_BYTES - len(encode(event))
    noise = "".join(chr(0x80 + byte % 0x80) for byte in random.Random(1).randbytes(room // 2))
    event = msgspec.structs.replace(event, subject=event.subject + noise + "x" * (room % 2))
    assert len(encode(event)) == MAX_EVENT_BYTES
    async with toy.works.begin([ONE]) as work:
        work.say(event)

    (row,) = await toy.administrator.fetch("select id::text, events, body from toy.outbox_bundles")
    body, headers = message_of([StoredBundle(*row)])
    assert [bundle.events for bundle in read_bundles(READER, body, headers[BUNDLES])] == [[event]]


@dataclass
class Toy:
    """A service that writes down what it applied; `poison` is what it cannot apply."""

    works: Works
    administrator: asyncpg.Connection
    poison: set[int] = field(default_factory=set)

    async def handle(self, events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        if self.poison & {event.data.number for event in events}:
            raise ValueError("poison")
        await work.connection.executemany("insert into applied values ($1)", [(event.data.number,) for event in events])

    async def hears(self, *bundles: Bundle) -> None:
        applier = Applier(Inbox(self.works), classify=classify, parked=Parked, describe=describe)
        heard = {Subscription("toy", "hears", ThingHappenedV1, self.handle): bundles}
        await applier.apply(heard, asyncio.Event())

    async def applied(self) -> list[int]:
        return [
            row["number"] for row in await self.administrator.fetch("select number from toy.applied order by number")
        ]

    async def parked(self) -> int:
        count: int = await self.administrator.fetchval("select count(*) from toy.parked_events")
        return count


@pytest_asyncio.fixture
async def toy(empty_database_of: EmptyDatabaseOf) -> AsyncIterator[Toy]:
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(
        outbox_tables("toy") + "create table toy.applied (number int); grant all on toy.applied to toy_app"
    )
    await owner.close()
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    yield Toy(Works(database, partitions=1), administrator)
    await administrator.close()
    await database.close()


async def test_what_a_transaction_said_of_one_type_is_one_row_whoever_it_is_about(toy: Toy) -> None:
    events = [thing(number, tenant) for number, tenant in enumerate([ONE, OTHER, ONE])]
    async with toy.works.begin([ONE, OTHER]) as work:
        work.say(*events)

    (row,) = await toy.administrator.fetch("select events, tenant_ids::text[] from toy.outbox_bundles")
    assert (row["events"], set(row["tenant_ids"])) == (3, {ONE, OTHER})
    assert await events_said(toy.administrator, "toy") == [encode(event) for event in events]


async def test_a_transaction_that_says_very_much_is_several_rows_in_order(toy: Toy) -> None:
    events = [thing(number) for number in range(450)]
    async with toy.works.begin([ONE]) as work:
        work.say(*events)

    rows = await toy.administrator.fetch("select events from toy.outbox_bundles order by seq")
    assert [row["events"] for row in rows] == [200, 200, 50]
    assert await events_said(toy.administrator, "toy") == [encode(event) for event in events]


async def test_a_row_about_two_tenants_is_hidden_from_each_of_them_alone(toy: Toy) -> None:
    async with toy.works.begin([ONE, OTHER]) as work:
        work.say(thing(1, ONE), thing(2, OTHER))

    async def seen_by(*tenants: str) -> int:
        async with toy.works.begin(tenants) as work:
            count: int = await work.connection.fetchval("select count(*) from outbox_bundles")
            return count

    assert [await seen_by(), await seen_by(ONE), await seen_by(OTHER), await seen_by(ONE, OTHER)] == [0, 0, 0, 1]


async def test_nobody_says_something_about_a_tenant_who_is_not_the_transactions(toy: Toy) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with toy.works.begin([ONE]) as work:
            work.say(thing(1, ONE), thing(2, OTHER))


async def test_a_bundle_that_comes_again_does_nothing_alone_or_with_new_ones(toy: Toy) -> None:
    first, second = Bundle(new_id(), [thing(1), thing(2)]), Bundle(new_id(), [thing(3)])
    await toy.hears(first)
    await toy.hears(first)
    await toy.hears(first, second, second)

    assert await toy.applied() == [1, 2, 3]


async def test_a_poisonous_event_stands_alone_and_the_others_of_its_bundle_are_applied_once_however_often_it_comes(
    toy: Toy,
) -> None:
    toy.poison = {3}
    bundle, other = Bundle(new_id(), [thing(number) for number in range(8)]), Bundle(new_id(), [thing(8)])
    await toy.hears(bundle, other)
    assert (await toy.applied(), await toy.parked()) == ([0, 1, 2, 4, 5, 6, 7, 8], 1)

    toy.poison = set()  # mended meanwhile: what is parked waits for a person all the same
    await toy.hears(bundle, other)
    assert (await toy.applied(), await toy.parked()) == ([0, 1, 2, 4, 5, 6, 7, 8], 1)


async def test_one_event_that_came_alone_and_is_parked_is_not_applied_when_it_comes_again(toy: Toy) -> None:
    toy.poison = {1}
    event = thing(1)
    await toy.hears(Bundle(event.id, [event]))
    lonely = Bundle(new_id(), [thing(1)])
    await toy.hears(lonely)

    toy.poison = set()
    await toy.hears(Bundle(event.id, [event]), lonely)
    assert (await toy.applied(), await toy.parked()) == ([], 2)


async def test_a_bundle_whose_cutting_was_interrupted_is_finished_event_by_event(toy: Toy) -> None:
    events = [thing(number) for number in range(4)]
    bundle = Bundle(new_id(), events)
    await toy.hears(bundle.halves()[0])  # as if the process had died here

    await toy.hears(bundle)
    assert await toy.applied() == [0, 1, 2, 3]


async def test_pieces_that_come_after_the_whole_do_nothing(toy: Toy) -> None:
    bundle = Bundle(new_id(), [thing(number) for number in range(4)])
    await toy.hears(bundle)
    await toy.hears(bundle.halves()[1])
    assert await toy.applied() == [0, 1, 2, 3]


async def test_of_two_consumers_with_the_same_bundle_one_applies_it(toy: Toy) -> None:
    bundle = Bundle(new_id(), [thing(number) for number in range(6)])
    first, second = bundle.halves()
    await asyncio.gather(toy.hears(bundle), toy.hears(first), toy.hears(second), toy.hears(bundle))
    assert await toy.applied() == [0, 1, 2, 3, 4, 5]


async def test_two_consumers_of_one_service_hear_the_same_bundle_once_each_together_or_apart(toy: Toy) -> None:
    bundle = Bundle(new_id(), [thing(number) for number in (1, 2, 3)])
    heard: dict[str, list[int]] = {"first": [], "any": []}

    def handle_of(who: str) -> Any:
        async def handle(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
            heard[who] += [event.data.number for event in events]

        return handle

    first, any_ = [(who, [bundle], handle_of(who)) for who in heard]
    inbox = Inbox(toy.works)

    assert await inbox.apply([first, any_]) == [3, 3]
    assert await inbox.apply([first, any_]) == [0, 0]
    assert await inbox.apply([any_]) == [0]
    assert heard == {"first": [1, 2, 3], "any": [1, 2, 3]}


async def test_what_one_consumer_had_to_cut_the_other_applies_whole(toy: Toy) -> None:
    bundle, heard = Bundle(new_id(), [thing(number) for number in (1, 2, 3)]), list[int]()

    async def handle(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        heard.extend(event.data.number for event in events)

    inbox = Inbox(toy.works)
    for half in bundle.halves():
        await inbox.apply([("first", [half], handle)])
    assert heard == [1, 2, 3]

    assert await inbox.apply([("first", [bundle], handle), ("any", [bundle], handle)]) == [0, 3]
    assert heard == [1, 2, 3, 1, 2, 3]
