"""Look at provider sessions and do what they need: until they work, until they work again, or to stop them.

Every call is made outside of any transaction; what is known afterwards is stored with when to look again. Steps and times:
workflows.md 9. Nothing is ever logged out. A session is restarted once, then looked at until it works or it is clear that it
does not: when it fails by itself, and for a person who asked for the channel to work.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from kernel.backoff import doubled_s
from telemetry.logs import get_logger

from channel_gateway.application.checks import Check
from channel_gateway.application.messenger import CallFailed, ProviderSessions, Server, Session, Webhook
from channel_gateway.application.work import Begin
from channel_gateway.domain.inbound import OwnNumber, SessionReport
from channel_gateway.domain.provider_session import ProviderSession
from channel_gateway.domain.send_outcomes import Outcome, outcome_of

log = get_logger(__name__)

ASKING_S = 90.0
"""A check whose process died comes up again after so long: longer than its calls may take."""

SOON_S, LONGEST_S, WATCH_LONGEST_S = 1.0, 10.0, 60.0
PAIRING_TIME = timedelta(minutes=10)
CALLBACK_TIME = timedelta(seconds=10)
CLOCKS_DIFFER = timedelta(seconds=2)
MOST_FAILURES = 3


class BringUpChannels:
    """The use case, over several transactions."""

    def __init__(self, begin: Begin, sessions: ProviderSessions) -> None:
        self._begin = begin
        self._sessions = sessions

    async def check(self, due: Sequence[tuple[str, str]]) -> int:
        """Look at what is due of these (tenant, channel); return how many that were."""
        async with self._begin({tenant_id for tenant_id, _ in due}) as work:
            checks = await work.checks.take(due, ASKING_S)
        await asyncio.gather(*(self._check(each) for each in checks))
        return len(checks)

    async def _check(self, check: Check) -> None:
        if check.server is None or check.webhook is None:
            await self._done(check)
            return
        try:
            if check.purpose == "stop":
                await self._sessions.stop(check.server)
                await self._done(check)
            elif check.status in ("active", "inactive"):
                await self._done(check)
            elif check.purpose == "watch":
                await self._watch(check, check.server, await self._sessions.session(check.server))
            else:
                await self._activate(check, check.server, check.webhook)
        except CallFailed as failed:
            await self._failed(check, outcome_of(failed.answer))

    async def _activate(self, check: Check, server: Server, webhook: Webhook) -> None:
        session = await self._sessions.session(server)
        late = check.now - check.since > PAIRING_TIME
        if late and (session is None or session.status != "WORKING"):
            await self._give_up(check, "nobody has paired the phone in time")
        elif session is None:
            await self._sessions.open_session(server, webhook)
            await self._again(check, SOON_S, configured=True)
        elif await self._sessions.configure(server, session, webhook):
            await self._again(check, SOON_S, configured=True)
        elif session.status == "STOPPED":
            await self._sessions.start(server)
            await self._again(check, SOON_S, configured=True)
        elif session.status == "FAILED":
            await self._restart_once(check, server)
        elif session.status != "WORKING":
            await self._hear(check, session)
            await self._again(check, doubled_s(SOON_S, check.tries, LONGEST_S))
        elif self._is_called_back(check):
            await self._hear(check, session)
            await self._done(check)
        else:
            await self._wait_for_callback(check)

    async def _restart_once(self, check: Check, server: Server) -> None:
        """A person has asked for a session that fails to work."""
        if check.restarted:
            await self._give_up(check, "the provider's session fails, also after a restart")
        elif await self._is_locked(check):
            await self._give_up(
                check, "the provider's session fails, and must not be restarted while new chats are locked"
            )
        else:
            await self._sessions.restart(server)
            await self._again(check, SOON_S, restarted=True)

    async def _watch(self, check: Check, server: Server, session: Session | None) -> None:
        """Look until it works again. One that has failed is restarted once, and looked after for a while."""
        if session is None:
            await self._give_up(check, "the provider has no such session", status="disconnected")
            return
        after = await self._hear(check, session)
        if after is None or after.status in ("active", "inactive"):
            await self._done(check)
        elif after.wants_restart and not check.restarted:
            await self._sessions.restart(server)
            await self._again(check, SOON_S, restarted=True)
        elif after.status == "error" and (check.now - check.since > PAIRING_TIME or after.reports_failure):
            await self._done(check)
        else:
            await self._again(check, doubled_s(SOON_S, check.tries, WATCH_LONGEST_S))

    def _is_called_back(self, check: Check) -> bool:
        """A session that we have just configured or started tells so: if that arrives, its webhook does."""
        if not check.verify_webhook or check.configured_at is None:
            return True
        return check.last_event_at is not None and check.last_event_at >= check.configured_at - CLOCKS_DIFFER

    async def _wait_for_callback(self, check: Check) -> None:
        assert check.configured_at is not None
        if check.now - check.configured_at > CALLBACK_TIME:
            await self._give_up(check, "the provider does not reach our webhook")
        else:
            await self._again(check, SOON_S)

    async def _hear(self, check: Check, session: Session) -> ProviderSession | None:
        """Store how the session is, as if it had told so itself; return what that has made of the channel, if it lives.

        What we saw may be older than what the session itself told while we looked: when that ended the check, it counts, and we
        saw nothing.
        """
        async with self._begin([check.tenant_id]) as work:
            before = (await work.sessions.for_change({check.key})).get(check.key)
            if before is None or not await work.checks.stands(check):
                return None
            me = OwnNumber(session.own_number) if session.own_number else None
            after = before.hear(SessionReport(session.status, None, work.now, me, session.engine))
            if after is not before:
                await work.sessions.keep([after])
                work.announcements.session_found(before, after, check.cause)
            return after

    async def _is_locked(self, check: Check) -> bool:
        async with self._begin([check.tenant_id]) as work:
            session = (await work.sessions.for_change({check.key})).get(check.key)
            return session is not None and session.locked_at(work.now)

    async def _failed(self, check: Check, outcome: Outcome) -> None:
        """A call did not succeed: the set-up is wrong, or the provider is away."""
        log.warning("a provider session could not be looked at", purpose=check.purpose, reason=outcome.reason)
        hopeless = outcome.verdict in ("broken", "refused")
        often = check.failures + 1 >= MOST_FAILURES
        if check.purpose == "stop" and often:
            await self._done(check)
        elif check.purpose != "stop" and (hopeless or (often and check.purpose == "activate")):
            await self._give_up(check, outcome.reason)
        else:
            async with self._begin([check.tenant_id]) as work:
                await work.checks.again(check, doubled_s(SOON_S, check.failures, WATCH_LONGEST_S), failed=True)

    async def _give_up(self, check: Check, reason: str, *, status: str = "error") -> None:
        """The channel does not work, and who has asked for it is told; unless it has come to work meanwhile."""
        async with self._begin([check.tenant_id]) as work:
            before = (await work.sessions.for_change({check.key})).get(check.key)
            if not await work.checks.done(check) or before is None:
                return
            after = before.fall(status, reason, work.now)
            if after is not before:
                await work.sessions.keep([after])
                work.announcements.session_found(before, after, check.cause)
            if check.purpose == "activate":
                work.announcements.activation_failed(after, reason, check.cause)

    async def _again(self, check: Check, seconds: float, *, restarted: bool = False, configured: bool = False) -> None:
        async with self._begin([check.tenant_id]) as work:
            await work.checks.again(check, seconds, restarted=restarted, configured=configured)

    async def _done(self, check: Check) -> None:
        async with self._begin([check.tenant_id]) as work:
            await work.checks.done(check)
