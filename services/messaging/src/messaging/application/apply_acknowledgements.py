"""Move statuses and read marks forward, as far as receipts prove it."""

from collections.abc import Sequence

from messaging.application.store_progress import store_progress
from messaging.application.work import Work
from messaging.domain.acknowledgement import Ack, receipts_of


async def apply_acknowledgements(acks: Sequence[Ack], work: Work) -> None:
    """Apply receipts; those of messages that are not known yet wait for them.

    A message may be on its way, or about to learn its name, in another transaction right now: before a receipt is put aside,
    arrivals of its channel are held back and it is looked for again. So either we see the message, or its transaction will see
    the receipt.
    """
    acks = [ack for ack in acks if ack.says_something]
    if not acks:
        return
    messages = await work.sendings.by_provider_id({ack.message_key for ack in acks})
    found = {message.message_key for message in messages}
    missing = [ack for ack in acks if ack.message_key not in found and ack.is_worth_waiting]
    if missing:
        await work.messages.hold_arrivals_back({(ack.tenant_id, ack.channel_id) for ack in missing})
        messages += await work.sendings.by_provider_id({ack.message_key for ack in missing})
    progress, unknown = receipts_of(acks, messages)
    await store_progress(progress, work)
    early = [ack for ack in unknown if ack.is_worth_waiting]
    if early:
        await work.messages.put_aside(early)
