"""What a service hears together is applied together, and what fails stands alone in the end."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from bus.applying import Applier
from bus.subscription import Handle, Subscription
from contracts.bundles import Bundle
from contracts.envelope import AnyEvent, encode, first_event
from contracts.fields import Wire
from contracts.reading import Unreadable
from kernel.clock import utc_now
from kernel.failures import Failure
from kernel.ids import new_id

TENANT = new_id()


class ThingHappenedV1(Wire, kw_only=True):
    """Something happened."""

    TYPE: ClassVar[str] = "toy.thing_happened.v1"
    number: int


class OtherHappenedV1(Wire, kw_only=True):
    """Something else happened."""

    TYPE: ClassVar[str] = "toy.other_happened.v1"
    number: int


class PoisonError(Exception):
    """What no repetition heals."""


class Store:
    """Keeps what committed, transaction by transaction; `poison` is what no handler can apply."""

    def __init__(self, poison: Sequence[int] = ()) -> None:
        self.poison = poison
        self.transactions: list[list[tuple[str, list[int]]]] = []
        self.parked: list[tuple[str, str]] = []

    async def apply(self, heard: Sequence[tuple[str, Sequence[Bundle], Handle]]) -> list[int]:
        numbers = [(who, [event.data.number for each in bundles for event in each.events]) for who, bundles, _ in heard]
        if any(number in self.poison for _, each in numbers for number in each):
            raise PoisonError
        self.transactions.append(numbers)
        return [len(each) for _, each in numbers]

    async def park(self, consumer: str, items: Sequence[Any]) -> None:
        self.parked += [(consumer, item.reason) for item in items]


async def unused(events: Sequence[AnyEvent], work: Any) -> None:
    raise AssertionError("the store stands for the handlers")


THINGS = Subscription("toy", "things", ThingHappenedV1, unused)
OTHERS = Subscription("toy", "others", OtherHappenedV1, unused)


def said(payload: Any) -> AnyEvent:
    return first_event(
        payload,
        id=new_id(),
        source="toy",
        subject="thing",
        time=utc_now(),
        tenant_id=TENANT,
        project_id=None,
        partition_key="thing",
        correlation_id=new_id(),
        actor="system:tests",
    )


def things(*numbers: int) -> Bundle:
    return Bundle(new_id(), [said(ThingHappenedV1(number=number)) for number in numbers])


def others(*numbers: int) -> Bundle:
    return Bundle(new_id(), [said(OtherHappenedV1(number=number)) for number in numbers])


async def apply(store: Store, heard: dict[Subscription, Bundle]) -> None:
    def parked(consumer: str, item: Unreadable, attempts: int, bundle_id: str | None) -> Unreadable:
        return item

    applier = Applier(store, classify=lambda _: Failure.DETERMINISTIC, parked=parked, describe=repr)
    await applier.apply({each: [bundle] for each, bundle in heard.items()}, asyncio.Event())


async def test_events_of_several_types_share_one_transaction_each_type_in_its_order() -> None:
    store = Store()

    await apply(store, {THINGS: things(3, 1, 2), OTHERS: others(9, 8)})

    assert store.transactions == [[("things", [3, 1, 2]), ("others", [9, 8])]]


async def test_one_that_cannot_be_applied_is_parked_alone_and_all_others_of_every_type_commit_once() -> None:
    store = Store(poison=[2, 14])

    await apply(store, {THINGS: things(*range(8)), OTHERS: others(*range(10, 18))})

    assert store.parked == [("things", "poison"), ("others", "poison")]
    committed = [(consumer, number) for each in store.transactions for consumer, numbers in each for number in numbers]
    wanted = [("things", number) for number in range(8)] + [("others", number) for number in range(10, 18)]
    assert committed == [each for each in wanted if each[1] not in store.poison]


async def test_what_cannot_be_read_is_parked_for_its_own_consumer_and_holds_nobody_up() -> None:
    store = Store()

    bad = THINGS.reader.read(b'{"id":"x"}'), OTHERS.reader.read(encode(things(5).events[0]))
    await apply(
        store,
        {
            THINGS: Bundle(new_id(), [bad[0], *things(1).events]),
            OTHERS: Bundle(new_id(), [bad[1], *others(2).events]),
        },
    )

    assert store.parked == [("things", "undecodable"), ("others", "invalid")]
    assert store.transactions == [[("things", [1]), ("others", [2])]]
