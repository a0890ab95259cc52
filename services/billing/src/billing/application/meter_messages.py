"""Count messages, and who was active by them."""

from collections.abc import Sequence

from billing.application.work import Work
from billing.domain.metering import Message, increments_of_messages


async def meter_messages(messages: Sequence[Message], work: Work) -> None:
    """Add a batch of messages to the meters. Silent: usage is read, not announced message by message."""
    await work.meters.add(increments_of_messages(messages))
