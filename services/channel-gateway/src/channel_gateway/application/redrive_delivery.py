"""Translate a parked delivery again: the translator, or the channel's settings, may know more by now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kernel.errors import DomainError
from kernel.ids import milliseconds_of

from channel_gateway.application.accept_deliveries import activity_of, announce
from channel_gateway.application.follow_sessions import follow_sessions
from channel_gateway.application.match_own_messages import match_own_messages
from channel_gateway.application.provider import Provider
from channel_gateway.application.work import Work
from channel_gateway.domain.delivery import ECHO, OVERTAKEN
from channel_gateway.domain.inbound import Untranslatable


async def redrive_delivery(parked: Mapping[str, Any], work: Work, provider: Provider) -> None:
    """Apply a parked delivery; raise rule_violated where it still cannot be, and it stays parked."""
    channel = await work.channels.receiving(str(parked["tenant_id"]), str(parked["subject"]))
    if channel is None:
        raise DomainError("rule_violated", "its channel was deleted", rule="channel_exists")
    delivery_id = str(parked["delivery_id"])
    delivery = provider.delivery(
        delivery_id,
        channel,
        received_at=datetime.fromtimestamp(milliseconds_of(delivery_id) / 1000, UTC),
        raw=bytes(parked["event"]),
        headers={},
    )
    if isinstance(delivery.inbound, Untranslatable):
        raise DomainError("rule_violated", f"still untranslatable: {delivery.reason}", rule="translatable")
    key = delivery.key
    if key is not None and key not in await work.deliveries.meet([(key, delivery.received_at)]):
        await work.deliveries.decide(delivery, "duplicate", None)
        return
    own = await match_own_messages([delivery], work)
    if delivery_id in own.echoes:
        await work.deliveries.decide(delivery, "applied", ECHO)
        await work.deliveries.count(activity_of([delivery], [], own.settled))
        return
    idle = await follow_sessions([delivery], work)
    state = idle.get(delivery_id, delivery.state)
    await work.deliveries.decide(
        delivery, state, delivery.reason or OVERTAKEN if state == "ignored" else delivery.reason
    )
    if state == "applied":
        await work.deliveries.count(activity_of([delivery], [delivery]))
        announce(delivery, work.announcements)
