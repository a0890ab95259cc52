"""A message of ours will not be sent: it was refused, its time was over, or it was withdrawn before anybody began."""

from collections.abc import Sequence

from contracts.channel.message_failed_v1 import ChannelMessageFailedV1
from contracts.envelope import Event

from messaging.application.apply_outcomes import apply_outcomes
from messaging.application.work import Work
from messaging.domain.outcome import Outcome
from messaging.domain.progress import Failure, Report

HEARS = ChannelMessageFailedV1

CANCELLED = "cancelled"


async def on_channel_message_failed(events: Sequence[Event[ChannelMessageFailedV1]], work: Work) -> None:
    """Move messages to failed or cancelled."""
    await apply_outcomes([outcome_of(event) for event in events], work)


def outcome_of(event: Event[ChannelMessageFailedV1]) -> Outcome:
    """Return the news in messaging's own words."""
    heard = event.data
    detail = {"attempts": heard.attempts}
    if heard.code == CANCELLED:
        report = Report(CANCELLED, heard.failed_at, event, detail=detail)
    else:
        failure = Failure(heard.code, heard.reason, retryable=not heard.permanent)
        report = Report("failed", heard.failed_at, event, failure, detail)
    return Outcome(event.tenantid, heard.message_id, heard.channel_id, report)
