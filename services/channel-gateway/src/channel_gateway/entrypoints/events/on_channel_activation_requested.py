"""Somebody wants a channel to work: its provider's session is looked at, and brought up, soon."""

from collections.abc import Sequence

from contracts.channel.activation_requested_v1 import ChannelActivationRequestedV1
from contracts.envelope import Event
from kernel.cause import Cause

from channel_gateway.application.work import Work

HEARS = ChannelActivationRequestedV1


async def on_channel_activation_requested(events: Sequence[Event[ChannelActivationRequestedV1]], work: Work) -> None:
    """Have a batch of channels looked at, unless they are already or have been."""
    asked = [
        Cause(
            tenant_id=event.tenantid,
            actor=event.actor,
            correlation_id=event.correlationid,
            traceparent=event.traceparent,
        )
        for event in events
    ]
    await work.checks.ensure(asked, [event.data.channel_id for event in events])
