"""End sends that nobody may carry out any more: their time is over, or their channel was switched off."""

from collections.abc import Sequence

from channel_gateway.application.settle_sends import refused
from channel_gateway.application.work import Work
from channel_gateway.domain.sending import CHANNEL_GONE, EXPIRED, Refusal


async def end_sends(due: Sequence[tuple[str, str]], work: Work) -> int:
    """Refuse those of these (tenant, message) that still wait, and say so; return how many that were."""
    waiting = await work.sending.requests.over(due)
    ends = [(tenant_id, message_id, EXPIRED if expired else CHANNEL_GONE) for tenant_id, message_id, expired in waiting]
    return await refuse_sends(ends, work)


async def refuse_sends(ends: Sequence[tuple[str, str, Refusal]], work: Work) -> int:
    """Refuse sends (tenant, message) that still wait, and say so; return how many that were."""
    if not ends:
        return 0
    why = {message_id: refusal for _, message_id, refusal in ends}
    ended = await work.sending.requests.end(ends)
    for attempt in ended:
        refused(attempt, why[attempt.message_id], work)
    return len(ended)
