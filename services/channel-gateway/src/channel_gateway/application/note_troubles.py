"""What outcomes say about their channels: a pause that the provider asks for, a limit on new chats, a session that is not there."""

from collections.abc import Sequence
from dataclasses import dataclass

from channel_gateway.application.senders import ChannelKey
from channel_gateway.application.work import Work
from channel_gateway.domain.inbound import NewChatLimit, SessionReport
from channel_gateway.domain.provider_session import ProviderSession
from channel_gateway.domain.send_outcomes import Outcome
from channel_gateway.domain.sending import RESTRICTED_FOR


@dataclass(frozen=True, slots=True)
class Trouble:
    """An outcome that concerns the whole channel; `last_straw`: it has failed often enough to be taken for gone.

    `version` is the channel's when it was called: what was changed since, by people or by its provider, counts for more.
    """

    key: ChannelKey
    version: int
    outcome: Outcome
    last_straw: bool


async def note_troubles(troubles: Sequence[Trouble], work: Work) -> None:
    """Hold channels back, and say what has changed about them; those that may come back by themselves are looked after."""
    for key in sorted({trouble.key for trouble in troubles}):
        pause_s = max((each.outcome.pause_s or 0.0 for each in troubles if each.key == key), default=0.0)
        if pause_s:
            await work.sending.senders.pause(key, pause_s)
    before = await work.sessions.for_change({trouble.key for trouble in troubles})
    after = dict(before)
    for trouble in troubles:
        if trouble.key in after and (before[trouble.key].version == trouble.version or trouble.outcome.restricts):
            after[trouble.key] = _after(after[trouble.key], trouble, work)
    changed = {key: session for key, session in sorted(after.items()) if session is not before[key]}
    if not changed:
        return
    await work.sessions.keep(list(changed.values()))
    for key, session in changed.items():
        work.announcements.session_found(before[key], session)
    lost = [
        key
        for key, session in changed.items()
        if before[key].status == "active"
        and (session.status in ("connecting", "disconnected") or session.wants_restart)
    ]
    if lost:
        await work.checks.watch(lost)


def _after(session: ProviderSession, trouble: Trouble, work: Work) -> ProviderSession:
    outcome = trouble.outcome
    if outcome.restricts is not None:
        return session.limit(NewChatLimit(outcome.restricts, active=True, until=work.now + RESTRICTED_FOR), work.now)
    if outcome.trouble == "session_not_working" and outcome.session_status is not None:
        heard = session.hear(SessionReport(outcome.session_status, told_at=None, at=work.now))
        # Whatever it calls itself: it did not work.
        return heard if heard.status != "active" else heard.fall("disconnected", outcome.reason, work.now)
    if outcome.trouble == "setup":
        return session.fall("error", outcome.reason, work.now)
    if outcome.trouble == "session_gone" or (outcome.trouble == "unreachable" and trouble.last_straw):
        return session.fall("disconnected", outcome.reason, work.now)
    return session
