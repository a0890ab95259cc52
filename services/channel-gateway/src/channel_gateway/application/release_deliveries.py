"""Let held own messages go: what proves a send is its echo, the rest was typed on the phone and goes its way.

A message waits while a call is open in its chat, 60 s at most; then its id, or text and time, decide.
"""

from collections.abc import Sequence
from datetime import timedelta

from channel_gateway.application.accept_deliveries import activity_of, announce
from channel_gateway.application.match_own_messages import own_message
from channel_gateway.application.provider import Provider
from channel_gateway.application.senders import ChannelKey
from channel_gateway.application.sends import Decided, HeldRow
from channel_gateway.application.settle_sends import proof, sent_by_channel, settle_sends
from channel_gateway.application.work import Work
from channel_gateway.domain.delivery import ECHO, Delivery
from channel_gateway.domain.evidence import proofs
from channel_gateway.domain.inbound import InboundMessage
from channel_gateway.domain.receiving_channel import ReceivingChannel
from channel_gateway.domain.sending import Attempt, Patience

Held = tuple[HeldRow, Delivery, InboundMessage]


async def release_deliveries(due: Sequence[tuple[str, str]], provider: Provider, patience: Patience, work: Work) -> int:
    """Decide held deliveries (tenant, delivery); return how many went."""
    rows = await work.sending.held.take(due)
    held, decided = await _read(rows, provider, work)
    attempts = await _attempts_around(held, work) if held else []
    going = [each for each in held if each[0].due or not _call_open(each[0], attempts)]
    echoes = await _prove(going, attempts, patience, work) if going else set()
    passed = [delivery for _, delivery, _ in going if delivery.id not in echoes]
    for delivery in passed:
        announce(delivery, work.announcements)
    if passed:
        await work.deliveries.count(activity_of(passed, passed))
    decided += [
        Decided(row.tenant_id, row.delivery_id, "applied", ECHO if row.delivery_id in echoes else None)
        for row, *_ in going
    ]
    if decided:
        await work.sending.held.let_go(decided)
    return len(decided)


async def _read(rows: Sequence[HeldRow], provider: Provider, work: Work) -> tuple[list[Held], list[Decided]]:
    """Translate what is held once more; what is no message of a living channel any more is decided at once."""
    channels: dict[ChannelKey, ReceivingChannel | None] = {}
    held: list[Held] = []
    decided: list[Decided] = []
    for row in rows:
        key = (row.tenant_id, row.channel_id)
        if key not in channels:
            channels[key] = await work.channels.receiving(*key)
        channel = channels[key]
        if channel is None:
            decided.append(Decided(row.tenant_id, row.delivery_id, "ignored", "channel_removed"))
            continue
        delivery = provider.delivery(row.delivery_id, channel, received_at=row.received_at, raw=row.raw, headers={})
        if isinstance(delivery.inbound, InboundMessage):
            held.append((row, delivery, delivery.inbound))
        else:
            decided.append(Decided(row.tenant_id, row.delivery_id, delivery.state, delivery.reason))
    return held, decided


async def _attempts_around(held: Sequence[Held], work: Work) -> Sequence[Attempt]:
    ids = [(row.tenant_id, row.channel_id, message.provider_message_id) for row, _, message in held]
    chats = [(row.tenant_id, row.channel_id, chat) for row, _, _ in held for chat in row.chats]
    return await work.sending.outcomes.concerned(ids, chats)


def _call_open(row: HeldRow, attempts: Sequence[Attempt]) -> bool:
    return any(
        each.state == "sending" and not each.id_reserved and each.external_chat_id in row.chats
        for each in attempts
        if (each.tenant_id, each.channel_id) == (row.tenant_id, row.channel_id)
    )


async def _prove(going: Sequence[Held], attempts: Sequence[Attempt], patience: Patience, work: Work) -> set[str]:
    """Settle the sends that are proven, count them, and return the ids of the deliveries that are their echoes."""
    window = timedelta(seconds=patience.window_s)
    echoes: set[str] = set()
    changes = []
    for key in {(row.tenant_id, row.channel_id) for row, *_ in going}:
        ours = [each for each in attempts if (each.tenant_id, each.channel_id) == key]
        known = {each.provider_id: each for each in ours if each.provider_id is not None}
        messages = [own_message(message) for row, _, message in going if (row.tenant_id, row.channel_id) == key]
        by_text = proofs([each for each in ours if each.provider_id is None], messages, window, known=known)
        by_id = [(known[each.provider_id], each) for each in messages if each.provider_id in known]
        changes += [proof(attempt, message, "own_message") for attempt, message in (*by_id, *by_text)]
        proven = {message.provider_id for _, message in (*by_id, *by_text)}
        echoes |= {
            delivery.id
            for row, delivery, message in going
            if (row.tenant_id, row.channel_id) == key and message.provider_message_id in proven
        }
    settled = await settle_sends(changes, work)
    sent = sent_by_channel(settled, work.now)
    if sent:
        await work.deliveries.count(sent)
    return echoes
