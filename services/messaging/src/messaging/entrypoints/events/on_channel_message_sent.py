"""The provider has a message of ours, or evidence proved that it has."""

from collections.abc import Sequence

from contracts.channel.message_sent_v1 import ChannelMessageSentV1
from contracts.envelope import Event

from messaging.application.apply_outcomes import apply_outcomes
from messaging.application.work import Work
from messaging.domain.outcome import Outcome
from messaging.domain.progress import Report

HEARS = ChannelMessageSentV1


async def on_channel_message_sent(events: Sequence[Event[ChannelMessageSentV1]], work: Work) -> None:
    """Move messages to sent, with the name that the provider gave them."""
    await apply_outcomes([outcome_of(event) for event in events], work)


def outcome_of(event: Event[ChannelMessageSentV1]) -> Outcome:
    """Return the news in messaging's own words."""
    heard = event.data
    detail = {"evidence": heard.evidence, "attempts": heard.attempts}
    return Outcome(
        event.tenantid,
        heard.message_id,
        heard.channel_id,
        Report("sent", heard.sent_at, event, detail=detail),
        heard.provider_message_id,
        heard.provider_message_ref,
        heard.external_chat_id,
    )
