"""One mechanism switched off at a time, so that the test that guards it can be seen to fail."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from bus import applying
from bus.applying import Applier, Heard
from bus.collector import Collector
from contracts.bundles import Bundle
from kernel.failures import Failure
from outbox import relay
from outbox.inbox import Inbox, Met
from outbox.relay import Relay


def without_inbox() -> None:
    """Everything looks new."""

    async def meet(self: Any, connection: Any, met: Sequence[tuple[str, str, bool]]) -> set[Met]:
        return {(each, consumer) for each, consumer, _ in met}

    Inbox._meet = meet  # type: ignore[method-assign]


def without_confirm() -> None:
    """Strike off first, publish afterwards."""
    publish = Relay._publish

    async def hope(self: Any, routing_key: str, waiting: Any) -> list[Any]:
        task = asyncio.ensure_future(publish(self, routing_key, waiting))
        task.add_done_callback(lambda done: done.exception())
        return list(waiting)

    Relay._publish = hope  # type: ignore[method-assign]


def without_pending() -> None:
    """Remember the last number instead of looking for what is pending."""
    look = Relay.run_once
    last = {"seq": 0}

    async def look_past_the_last(self: Any, connection: Any) -> int:
        await connection.execute("select set_config('toy.last', $1, false)", str(last["seq"]))
        newest = await connection.fetchval("select coalesce(max(seq), 0) from outbox_pending")
        done = await look(self, connection)
        last["seq"] = max(last["seq"], newest)
        return done

    relay.PENDING = relay.PENDING.replace(
        "order by p.seq", "and p.seq > current_setting('toy.last')::bigint order by p.seq"
    )
    Relay.run_once = look_past_the_last  # type: ignore[method-assign]


def without_bisection() -> None:
    """Park the whole batch that holds a poisonous event."""
    apply = Applier._apply

    async def all_or_nothing(self: Any, heard: Heard, gone: asyncio.Event) -> None:
        if not any(event.data.poisonous for _, bundle in heard for event in bundle.events):
            await apply(self, heard, gone)
            return
        for subscription, bundle in heard:
            items = [applying._poisonous(event, "not halved") for event in bundle.events]
            await self._park(subscription.consumer, items, 1, bundle.id, gone)

    Applier._apply = all_or_nothing  # type: ignore[method-assign]


def without_closing_first() -> None:
    """Cancel the consumers, and let what was prefetched come back later."""

    async def cancel_first(self: Any, channel: Any, stopping: asyncio.Event, intake: Any) -> None:
        await stopping.wait()
        underlay = await channel.get_underlay_channel()
        for tag in list(underlay.consumers):
            await underlay.basic_cancel(tag)
        await asyncio.sleep(1.0)
        intake.close()
        await channel.close()

    Collector._close_first = cancel_first  # type: ignore[method-assign]


def without_order() -> None:
    """Apply every batch backwards."""
    apply = Inbox.apply

    async def backwards(self: Any, heard: Sequence[tuple[str, Sequence[Bundle], Any]]) -> list[int]:
        turned = [
            (consumer, [each._replace(events=each.events[::-1]) for each in bundles[::-1]], handle)
            for consumer, bundles, handle in heard
        ]
        return await apply(self, turned)

    Inbox.apply = backwards  # type: ignore[method-assign]


def without_infrastructure() -> None:
    """Take every failure for the data's."""
    created = Applier.__init__

    def create(self: Any, *arguments: Any, **more: Any) -> None:
        created(self, *arguments, **{**more, "classify": lambda error: Failure.DETERMINISTIC})

    Applier.__init__ = create  # type: ignore[method-assign]


MECHANISMS: dict[str, Callable[[], None]] = {
    "inbox": without_inbox,
    "confirm": without_confirm,
    "pending": without_pending,
    "bisection": without_bisection,
    "closing first": without_closing_first,
    "order": without_order,
    "infrastructure": without_infrastructure,
}
