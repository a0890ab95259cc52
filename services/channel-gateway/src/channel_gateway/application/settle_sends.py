"""Store what becomes of sends and say so: the one place where an outcome, an answer's or evidence's, takes effect."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from telemetry.metrics import counter, histogram

from channel_gateway.application.senders import ChannelKey
from channel_gateway.application.sends import Settled
from channel_gateway.application.work import Activity, Work
from channel_gateway.domain.evidence import OwnMessage
from channel_gateway.domain.sending import Attempt, Change, HowKnown, Patience, Refusal

SENDS = counter("message_send_total", "what became of sends", ("content_type", "outcome"))
DURATION = histogram("message_send_duration_seconds", "requested → accepted by the provider", ("content_type",))


async def settle_sends(changes: Iterable[Change], work: Work) -> list[Settled]:
    """Apply changes of begun sends, the first of several for one message; return those that were still open."""
    first: dict[str, Change] = {}
    for change in changes:
        first.setdefault(change.message_id, change)
    if not first:
        return []
    settled = list(await work.sending.outcomes.settle(list(first.values())))
    for each in settled:
        _announce(each, first[each.attempt.message_id], work)
    return settled


async def interrupt_sends(channels: Sequence[ChannelKey], patience: Patience, work: Work) -> None:
    """Make unknown what a sender that is gone had begun."""
    for each in await work.sending.outcomes.interrupt(channels, patience):
        _unresolved(each, work)


def refused(attempt: Attempt, refusal: Refusal, work: Work) -> None:
    """Say that a send will not be."""
    SENDS.labels(attempt.content_type, "failed").inc()
    work.announcements.message_failed(attempt, refusal)


def proof(attempt: Attempt, message: OwnMessage, evidence: HowKnown) -> Change:
    """Return the change that a message found makes of its send."""
    return Change(
        attempt.tenant_id,
        attempt.message_id,
        "accepted",
        evidence=evidence,
        provider_id=message.provider_id,
        provider_ref=message.provider_ref,
        at=message.at,
    )


def sent_by_channel(settled: Iterable[Settled], now: datetime) -> list[Activity]:
    """Return what the channels of sends that were accepted have done, sorted."""
    sent: dict[ChannelKey, int] = {}
    for each in settled:
        if each.attempt.state == "accepted":
            key = (each.attempt.tenant_id, each.attempt.channel_id)
            sent[key] = sent.get(key, 0) + 1
    return [Activity(*key, 0, sent[key], last_message_at=now, last_event_at=None) for key in sorted(sent)]


def _announce(settled: Settled, change: Change, work: Work) -> None:
    attempt = settled.attempt
    if attempt.state == "accepted":
        assert change.evidence is not None
        SENDS.labels(attempt.content_type, "sent").inc()
        DURATION.labels(attempt.content_type).observe(max(0.0, (work.now - attempt.queued_at).total_seconds()))
        work.announcements.message_sent(attempt, change.evidence, change.at or work.now)
    elif attempt.state == "rejected":
        assert change.refusal is not None
        refused(attempt, change.refusal, work)
    elif attempt.state == "unknown":
        _unresolved(settled, work)


def _unresolved(settled: Settled, work: Work) -> None:
    if settled.newly:
        SENDS.labels(settled.attempt.content_type, "unknown").inc()
        work.announcements.message_unresolved(settled.attempt)
