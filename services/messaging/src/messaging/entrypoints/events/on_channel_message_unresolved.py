"""Nobody knows yet whether a message of ours was sent. The name that was reserved for it lets receipts tell."""

from collections.abc import Sequence

from contracts.channel.message_unresolved_v1 import ChannelMessageUnresolvedV1
from contracts.envelope import Event

from messaging.application.apply_outcomes import apply_outcomes
from messaging.application.work import Work
from messaging.domain.outcome import Outcome
from messaging.domain.progress import Report

HEARS = ChannelMessageUnresolvedV1


async def on_channel_message_unresolved(events: Sequence[Event[ChannelMessageUnresolvedV1]], work: Work) -> None:
    """Move messages to unknown."""
    await apply_outcomes([outcome_of(event) for event in events], work)


def outcome_of(event: Event[ChannelMessageUnresolvedV1]) -> Outcome:
    """Return the news in messaging's own words."""
    heard = event.data
    report = Report("unknown", heard.since, event, detail={"detail": heard.detail})
    return Outcome(event.tenantid, heard.message_id, heard.channel_id, report, heard.reserved_provider_id)
