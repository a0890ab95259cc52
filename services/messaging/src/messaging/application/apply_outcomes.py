"""Learn what became of sends: accepted, refused, withdrawn, or nobody knows yet."""

from collections.abc import Sequence

from kernel.errors import DomainError

from messaging.application.store_progress import store_progress
from messaging.application.work import Work
from messaging.domain.acknowledgement import take_receipt
from messaging.domain.outcome import MessageId, Outcome, identify
from messaging.domain.progress import Progress, Tracked


async def apply_outcomes(outcomes: Sequence[Outcome], work: Work) -> dict[MessageId, Tracked]:
    """Apply news of sends; return the messages that they speak of. Raises not_found for one that nobody asked us to send.

    Whoever learns what the provider calls a message looks for the receipts that came before that, while others are held back:
    no receipt can be put aside between the look and the commit.
    """
    named = {outcome.provider_key for outcome in outcomes if outcome.provider_message_id is not None}
    if named:
        await work.messages.hold_receipts_back({(tenant, channel) for tenant, channel, _ in named})
    messages = {each.key: each for each in await work.sendings.by_id({outcome.key for outcome in outcomes})}
    missing = [outcome.message_id for outcome in outcomes if outcome.key not in messages]
    if missing:
        raise DomainError("not_found", f"there is no message {missing[0]}")
    progress = Progress()
    if named:
        await _identify(outcomes, messages, progress, work)
    for outcome in outcomes:
        progress.report(messages[outcome.key], outcome.report)
    await _take_early(outcomes, messages, progress, work)
    await store_progress(progress, work)
    learned = [each for each in outcomes if each.external_chat_id and not messages[each.key].chat_has_address]
    if learned:
        await work.chats.learn_addresses(learned)
    return messages


async def _identify(
    outcomes: Sequence[Outcome], messages: dict[MessageId, Tracked], progress: Progress, work: Work
) -> None:
    """Note the provider's ids. Where an echo had passed and was stored as typed on the phone, two rows become one again."""
    keys = {
        (tenant, channel, name)
        for outcome in outcomes
        for tenant, channel, name in (outcome.provider_key,)
        if name is not None and messages[outcome.key].provider_message_id != name
    }
    twins = identify(outcomes, messages, await work.sendings.by_provider_id(keys) if keys else (), progress)
    if twins:
        await work.sendings.merge(twins)


async def _take_early(
    outcomes: Sequence[Outcome], messages: dict[MessageId, Tracked], progress: Progress, work: Work
) -> None:
    """Apply the receipts that had come before their message had a name."""
    causes = {outcome.key: outcome.report.cause for outcome in outcomes if outcome.provider_message_id}
    if not causes:
        return
    for key, (level, at) in await work.sendings.take_early([messages[key] for key in causes]):
        take_receipt(progress, messages[key], level, at, causes[key])
