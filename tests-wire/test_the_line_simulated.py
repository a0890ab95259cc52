"""Thousands of schedules of the line: outbox, relay, merging consumer, inbox and bisection, whatever the servers do to them.

Two hops: `first` applies what happened and says on, `second` applies that. Safety: nothing twice, nothing out of order. Liveness: once the
servers behave, everything arrives, or is parked where it is poisonous. Hypothesis prints the steps of a schedule that fails, and its seed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import outbox.relay
import pytest
from bus.applying import Applier
from bus.subscription import Subscription
from contracts.bundles import read_bundles
from contracts.envelope import AnyEvent, caused_event
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from kernel.clock import utc_now
from kernel.ids import new_id
from outbox.inbox import Inbox
from outbox.parked import Parked, describe
from outbox.relay import Relay
from outbox.work import UnitOfWork, Works
from postgres.failures import classify
from simulated import Broker, Clock, Database
from toy import ThingHappenedV1, ThingPassedV1, thing_happened

TENANT = new_id()
CHATS = st.sampled_from("abc")
TRANSACTIONS = st.lists(st.sampled_from(["", "lost_before", "lost_after"]), max_size=4)
PUBLICATIONS = st.lists(st.sampled_from(["", "refused", "unconfirmed", "lost"]), max_size=4)


class Line(RuleBasedStateMachine):
    """The toy line over simulated servers."""

    inbox: ClassVar[type[Inbox]] = Inbox
    relay_of: ClassVar[type[Relay]] = Relay

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.database, self.broker = Clock(), Database(), Broker()
        outbox.relay.time = SimpleNamespace(monotonic=self.clock.monotonic)  # type: ignore[attr-defined]
        self.works = Works(self.database, partitions=2)  # type: ignore[arg-type]
        self.relay = self._relay()
        self.said: dict[str, int] = defaultdict(int)
        self.poisonous: set[tuple[str, int]] = set()
        self.consumers = [
            Subscription("toy", "first", ThingHappenedV1, self._first),
            Subscription("toy", "second", ThingPassedV1, self._second),
        ]

    def _relay(self) -> Relay:
        return self.relay_of("", "toy", self.broker)

    async def _first(self, events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        if any(event.data.poisonous for event in events):
            raise ValueError("poison")
        for event in events:
            work.connection.apply("first", event.data.chat, event.data.number)
            passed = ThingPassedV1(chat=event.data.chat, number=event.data.number)
            about = {"id": new_id(), "source": "toy", "subject": event.subject, "time": utc_now()}
            work.say(caused_event(event, passed, partition_key=event.partitionkey, **about))

    async def _second(self, events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        for event in events:
            work.connection.apply("second", event.data.chat, event.data.number)

    @rule(chats=st.lists(CHATS, min_size=1, max_size=6), poison=st.integers(min_value=0, max_value=30))
    def something_happens(self, chats: list[str], poison: int) -> None:
        """One transaction says something of some chats; now and then something poisonous."""
        self.clock.run(self._say(chats, poison))

    async def _say(self, chats: list[str], poison: int) -> None:
        async with self.works.begin([TENANT]) as work:
            for position, chat in enumerate(chats):
                self.said[chat] += 1
                if position == poison:
                    self.poisonous.add((chat, self.said[chat]))
                work.say(thing_happened(TENANT, chat, self.said[chat], poisonous=position == poison))

    @rule(fates=PUBLICATIONS, dies=st.booleans())
    def the_relay_looks(self, fates: list[str], dies: bool) -> None:
        """It publishes what is pending; when it dies afterwards its successor knows nothing of what was confirmed."""
        self.broker.fates = fates
        self.clock.run(self._relay_once())
        self.broker.fates = []
        if dies:
            self.relay = self._relay()

    async def _relay_once(self) -> None:
        async with self.database.transaction(()) as connection:
            await self.relay.run_once(connection)  # type: ignore[arg-type]

    @rule(
        who=st.integers(min_value=0, max_value=1),
        most=st.integers(min_value=1, max_value=5),
        fates=TRANSACTIONS,
        dies=st.booleans(),
        twins=st.booleans(),
    )
    def a_consumer_takes(self, who: int, most: int, fates: list[str], dies: bool, twins: bool) -> None:
        """It applies what has piled up; dead before its ack, or with a twin that holds the same, it did so all the same."""
        self.database.fates = fates
        taken = self._taken(who, most)
        consumer = self.consumers[who]
        bundles = [
            bundle
            for key, count in taken.items()
            for message in self.broker.queues[key][:count]
            for bundle in read_bundles(consumer.reader, message.body, message.header)
        ]
        if bundles:
            self.clock.run(self._apply(consumer, bundles, 2 if twins else 1))
        self.database.fates = []
        if not dies:
            for key, count in taken.items():
                self.broker.ack(key, count)

    def _taken(self, who: int, most: int) -> dict[str, int]:
        own = self.consumers[who].reader.type
        return {key: min(most, len(queue)) for key, queue in self.broker.queues.items() if key.startswith(own)}

    async def _apply(self, consumer: Subscription, bundles: Sequence[Any], times: int) -> None:
        applier = Applier(self.inbox(self.works), classify=classify, parked=Parked, describe=describe)
        await asyncio.gather(*(applier.apply({consumer: bundles}, asyncio.Event()) for _ in range(times)))

    @rule(key=st.sampled_from([f"{each.TYPE}.{n}" for each in (ThingHappenedV1, ThingPassedV1) for n in range(2)]))
    def the_broker_repeats_something_old(self, key: str) -> None:
        """It was acknowledged, and comes again."""
        self.broker.repeat(key)

    @rule(seconds=st.floats(min_value=0.05, max_value=5))
    def time_passes(self, seconds: float) -> None:
        """Lanes that waited may go on."""
        self.clock.pass_by(seconds)

    @invariant()
    def everything_applied_was_applied_once_and_in_order(self) -> None:
        """Safety."""
        for consumer, chat, numbers in self._applied():
            assert numbers == sorted(set(numbers)), f"{consumer} of {chat}: {numbers}"

    def _applied(self) -> list[tuple[str, str, list[int]]]:
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for consumer, chat, number in self.database.rows.applied:
            found[consumer, chat].append(number)
        return [(consumer, chat, numbers) for (consumer, chat), numbers in found.items()]

    def teardown(self) -> None:
        """Liveness: the servers behave from now on, and everything arrives or is parked."""
        try:
            for _ in range(8):
                self.clock.pass_by(5)
                self.clock.run(self._relay_once())
                for who in range(2):
                    self.a_consumer_takes(who, 10_000, [], False, False)
            healthy = {
                (chat, number) for chat, last in self.said.items() for number in range(1, last + 1)
            } - self.poisonous
            for consumer in ("first", "second"):
                arrived = [(chat, number) for who, chat, number in self.database.rows.applied if who == consumer]
                assert sorted(arrived) == sorted(healthy), consumer
            self.everything_applied_was_applied_once_and_in_order()
            parked = [consumer for consumer, _ in self.database.rows.parked]
            assert parked == ["first"] * len(self.poisonous)
            assert self.database.rows.pending == {} or self.relay._confirmed
        finally:
            self.clock.close()


SCHEDULES = settings(max_examples=200, stateful_step_count=25, deadline=None)
UNTIL_FOUND = settings(SCHEDULES, max_examples=2000, phases=[Phase.generate], report_multiple_bugs=False)


def run(machine: type[Line], how: settings) -> None:
    real = outbox.relay.time
    try:
        run_state_machine_as_test(machine, settings=how)
    finally:
        outbox.relay.time = real


def test_nothing_is_lost_doubled_or_reordered_in_any_schedule() -> None:
    run(Line, SCHEDULES)


class Forgetful(Inbox):
    """Everything looks new to it."""

    async def _meet(self, connection: Any, met: Sequence[tuple[str, str, bool]]) -> set[str]:
        return {each for each, _, _ in met}


class Blunt(Inbox):
    """Meets the whole where only a piece was applied."""

    async def apply(self, heard: Any) -> list[int]:
        whole = [(who, [each._replace(whole=True) for each in bundles], handle) for who, bundles, handle in heard]
        return await super().apply(whole)


class Hopeful(Relay):
    """Strikes off what it published, confirmed or not."""

    async def _publish(self, routing_key: str, waiting: Any) -> Any:
        await super()._publish(routing_key, waiting)
        return list(waiting)


class Hasty(Relay):
    """Goes on in a lane whose last message was refused."""

    async def _publish(self, routing_key: str, waiting: Any) -> Any:
        runs = [await Relay._publish(self, routing_key, [each]) for each in waiting]
        return [each for run in runs for each in run]


@pytest.mark.parametrize(
    "broken",
    [{"inbox": Forgetful}, {"inbox": Blunt}, {"relay_of": Hopeful}, {"relay_of": Hasty}],
    ids=lambda each: next(iter(each.values())).__name__,
)
def test_a_line_without_one_of_its_mechanisms_is_found_out(broken: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        run(type("Broken", (Line,), broken), UNTIL_FOUND)
