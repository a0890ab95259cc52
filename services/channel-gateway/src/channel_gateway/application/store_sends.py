"""Store what messaging asks to be sent. Nothing is sent here: the channel's sender takes it up."""

from collections.abc import Sequence

from channel_gateway.application.settle_sends import SENDS
from channel_gateway.application.work import Work
from channel_gateway.domain.sending import UNKNOWN_CHANNEL, SendRequest


async def store_sends(requests: Sequence[SendRequest], work: Work) -> None:
    """Store requests in their order, each once; say at once which can never be sent. Senders are woken by the commit."""
    stored = dict(await work.sending.requests.store(requests))
    for request in requests:
        if request.message_id in stored and stored.pop(request.message_id) is not None:
            SENDS.labels(request.content_type, "failed").inc()
            work.announcements.send_refused(request, request.refusal or UNKNOWN_CHANNEL)
