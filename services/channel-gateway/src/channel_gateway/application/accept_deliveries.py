"""Keep what a provider delivered, once, and say what it means: a batch of requests in one transaction."""

from collections import Counter
from collections.abc import Sequence

from channel_gateway.application.announcements import Announcements, waiting_for_people
from channel_gateway.application.follow_sessions import follow_sessions
from channel_gateway.application.match_own_messages import match_own_messages
from channel_gateway.application.sends import Settled
from channel_gateway.application.work import Activity, Key, Work
from channel_gateway.domain.delivery import OVERTAKEN, Delivery, State
from channel_gateway.domain.inbound import Acknowledgement, InboundMessage, Untranslatable


async def accept_deliveries(deliveries: Sequence[Delivery], work: Work) -> list[State]:
    """Store deliveries in the order in which they came; return what became of each."""
    states = await _states_of(deliveries, work)
    fresh = [delivery for delivery, state in zip(deliveries, states, strict=True) if state == "applied"]
    # Sends before channels, and channels before their counters: whoever settles a send takes them in this order.
    own = await match_own_messages(fresh, work)
    settled: dict[str, State] = {**await follow_sessions(fresh, work), **dict.fromkeys(own.held, "kept")}
    states = [settled.get(delivery.id, state) for delivery, state in zip(deliveries, states, strict=True)]
    new = [delivery for delivery, state in zip(deliveries, states, strict=True) if state == "applied"]
    applied = [delivery for delivery in new if delivery.id not in own.echoes]
    kept = [
        (delivery, state, own.reason_of(delivery) or _reason_of(delivery, state))
        for delivery, state in zip(deliveries, states, strict=True)
    ]
    await work.deliveries.keep(kept, activity_of(deliveries, applied, own.settled))
    if own.held:
        await work.sending.held.hold(
            [(*_channel(each), each.id, sorted(own.held[each.id])) for each in fresh if each.id in own.held]
        )
    parked = [delivery for delivery, state in zip(deliveries, states, strict=True) if state == "parked"]
    if parked:
        await work.park([waiting_for_people(each, "untranslatable", _said_of(each)) for each in parked])
    for delivery in applied:
        announce(delivery, work.announcements)
    return states


async def accept_unspeakable(delivery: Delivery, error: str, work: Work) -> State:
    """Store one that spoils every batch it is in, without anything that was read from it: people decide."""
    delivery = delivery._replace(inbound=Untranslatable("poison"))
    await work.deliveries.keep([(delivery, "parked", "poison")], activity_of([delivery], []))
    await work.park([waiting_for_people(delivery, "poison", error)])
    return "parked"


def announce(delivery: Delivery, announcements: Announcements) -> None:
    """Say what a delivery means."""
    if isinstance(delivery.inbound, InboundMessage):
        announcements.message_received(delivery, delivery.inbound)
    elif isinstance(delivery.inbound, Acknowledgement):
        announcements.message_acked(delivery, delivery.inbound)


def activity_of(
    deliveries: Sequence[Delivery], applied: Sequence[Delivery], settled: Sequence[Settled] = ()
) -> list[Activity]:
    """Return what each channel did, sorted, so that two processes take the rows in the same order.

    `settled` are sends that the deliveries have proven.
    """
    last_event = {_channel(each): each.received_at for each in deliveries}
    sent = Counter(
        (each.attempt.tenant_id, each.attempt.channel_id) for each in settled if each.attempt.state == "accepted"
    )
    messages: dict[tuple[str, str], list[InboundMessage]] = {}
    for each in applied:
        if isinstance(each.inbound, InboundMessage):
            messages.setdefault(_channel(each), []).append(each.inbound)
    return [
        Activity(
            tenant_id,
            channel_id,
            messages_received=sum(not message.from_me for message in messages.get((tenant_id, channel_id), ())),
            messages_sent=sum(message.from_me for message in messages.get((tenant_id, channel_id), ()))
            + sent[tenant_id, channel_id],
            last_message_at=max(
                (message.occurred_at for message in messages.get((tenant_id, channel_id), ())), default=None
            ),
            last_event_at=last_event[tenant_id, channel_id],
        )
        for tenant_id, channel_id in sorted(last_event)
    ]


async def _states_of(deliveries: Sequence[Delivery], work: Work) -> list[State]:
    """Of several with one key the first counts; the rest are duplicates, like what was known before."""
    first: dict[Key, int] = {}
    for position, delivery in enumerate(deliveries):
        key = delivery.key
        if key is not None:
            first.setdefault(key, position)
    fresh: set[int] = set()
    if first:
        met = await work.deliveries.meet([(key, deliveries[position].received_at) for key, position in first.items()])
        fresh = {first[key] for key in met}
    return [
        "duplicate" if delivery.inbound.dedupe_key is not None and position not in fresh else delivery.state
        for position, delivery in enumerate(deliveries)
    ]


def _reason_of(delivery: Delivery, state: State) -> str | None:
    return delivery.reason or OVERTAKEN if state in ("ignored", "parked") else None


def _channel(delivery: Delivery) -> tuple[str, str]:
    return delivery.channel.tenant_id, delivery.channel.id


def _said_of(delivery: Delivery) -> str:
    detail = getattr(delivery.inbound, "detail", "")
    return f"{delivery.reason}: {detail}" if detail else str(delivery.reason)
