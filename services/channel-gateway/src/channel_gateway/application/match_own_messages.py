"""Own messages among deliveries: which of them are echoes of our sends, and which may be and have to wait.

By id, where the id was reserved or told; without one, whatever our number says in a chat where a send is under way waits for
its outcome (`release_deliveries.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from channel_gateway.application.sends import Settled
from channel_gateway.application.settle_sends import proof, settle_sends
from channel_gateway.application.work import Work
from channel_gateway.domain.content import Text
from channel_gateway.domain.delivery import ECHO, HELD, Delivery
from channel_gateway.domain.evidence import OwnMessage, waits_for
from channel_gateway.domain.inbound import Acknowledgement, InboundMessage
from channel_gateway.domain.sending import Attempt, Change

SERVER_LEVEL = 1
"""From here on a receipt proves that WhatsApp has the message."""


@dataclass(frozen=True, slots=True)
class Matched:
    """By delivery id: what repeats our own sends, and what waits with which addresses; and the sends that were proven."""

    echoes: set[str] = field(default_factory=set)
    held: dict[str, frozenset[str]] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)

    def reason_of(self, delivery: Delivery) -> str | None:
        """Return why a delivery says nothing, or nothing yet."""
        return ECHO if delivery.id in self.echoes else HELD if delivery.id in self.held else None


async def match_own_messages(deliveries: Sequence[Delivery], work: Work) -> Matched:
    """Compare what is new with our sends: one look, and none for a batch in which only others speak."""
    own = [
        (each, each.inbound) for each in deliveries if isinstance(each.inbound, InboundMessage) and each.inbound.from_me
    ]
    receipts = [
        (each, each.inbound)
        for each in deliveries
        if isinstance(each.inbound, Acknowledgement) and _proves(each.inbound)
    ]
    matched = Matched()
    if not own and not receipts:
        return matched
    messages = {delivery.id: own_message(message) for delivery, message in own}
    ids = [_key(delivery, message.provider_message_id) for delivery, message in own]
    ids += [_key(delivery, receipt.provider_message_id) for delivery, receipt in receipts]
    chats = [_key(delivery, chat) for delivery, _ in own for chat in messages[delivery.id].chats]
    concerned = await work.sending.outcomes.concerned(ids, chats)
    if not concerned:
        return matched
    by_id = {(each.tenant_id, each.channel_id, each.provider_id): each for each in concerned if each.provider_id}
    changes: list[Change] = []
    for delivery, message in own:
        attempt = by_id.get(_key(delivery, message.provider_message_id))
        if attempt is not None:
            matched.echoes.add(delivery.id)
            changes.append(proof(attempt, messages[delivery.id], "own_message"))
        elif waits_for(messages[delivery.id], _of_channel(concerned, delivery), work.sending.window):
            matched.held[delivery.id] = messages[delivery.id].chats
    for delivery, receipt in receipts:
        attempt = by_id.get(_key(delivery, receipt.provider_message_id))
        if attempt is not None:
            changes.append(_receipt_proof(attempt, receipt))
    matched.settled.extend(await settle_sends([each for each in changes if _is_open(each, concerned)], work))
    return matched


def own_message(message: InboundMessage) -> OwnMessage:
    """Return an own message as evidence."""
    return OwnMessage(
        provider_id=message.provider_message_id,
        provider_ref=message.provider_message_ref,
        chats=frozenset((message.external_chat_id, *(each.value for each in message.identities))),
        text=message.content.text if isinstance(message.content, Text) else None,
        at=message.occurred_at,
    )


def _proves(receipt: Acknowledgement) -> bool:
    return receipt.from_me and receipt.level >= SERVER_LEVEL


def _receipt_proof(attempt: Attempt, receipt: Acknowledgement) -> Change:
    return Change(
        attempt.tenant_id,
        attempt.message_id,
        "accepted",
        evidence="ack",
        provider_id=receipt.provider_message_id,
        provider_ref=receipt.provider_message_ref,
        at=receipt.at,
    )


def _is_open(change: Change, concerned: Sequence[Attempt]) -> bool:
    return any(each.message_id == change.message_id and each.state in ("sending", "unknown") for each in concerned)


def _of_channel(concerned: Sequence[Attempt], delivery: Delivery) -> list[Attempt]:
    channel = delivery.channel
    return [
        each
        for each in concerned
        if each.tenant_id == channel.tenant_id
        and each.channel_id == channel.id
        and each.state in ("sending", "unknown")
    ]


def _key(delivery: Delivery, name: str) -> tuple[str, str, str]:
    return delivery.channel.tenant_id, delivery.channel.id, name
