"""The sender: serves the channels whose lease it holds, and sends what waits in them.

A channel has one sender at a time, by a lease that the database's clock judges; a sender that finds what another had begun
makes it unknown. Outcomes of several calls are stored together. What is not stored when the process dies is unknown to its
successor: never sent again blindly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernel.backoff import Backoff
from kernel.failpoints import NO_FAILPOINTS, Failpoints
from telemetry.logs import get_logger

from channel_gateway.application.claim_sends import ClaimSends
from channel_gateway.application.messenger import CallFailed, Messenger
from channel_gateway.application.prepare_channel import PrepareChannel
from channel_gateway.application.senders import ChannelKey
from channel_gateway.application.served_channel import Hosts, ServedChannel
from channel_gateway.application.store_outcomes import CallEnded, StoreOutcomes
from channel_gateway.application.work import Begin
from channel_gateway.domain.send_outcomes import Answer, outcome_of
from channel_gateway.domain.sending import Attempt, Patience

log = get_logger(__name__)

TAKEN_AT_ONCE = 50
"""Leases taken in one look: whoever else is free gets the others."""

IDLE_S = 10.0
"""A channel without sends is given back after so long."""

GATHER_S = 0.03
"""A turn begins at the earliest so long after the one before: a transaction costs about the same for one send as for twenty."""


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """`parallel` chats of one channel at once; `paced` False: as fast as it goes, for tests and measurements."""

    lease_s: float = 15.0
    poll_s: float = 1.0
    parallel: int = 8
    paced: bool = True
    patience: Patience = field(default_factory=Patience)


class Sender:
    """A kernel Role."""

    name = "sender"

    def __init__(
        self,
        begin: Begin,
        channels_to_serve: Callable[[int], Awaitable[Sequence[ChannelKey]]],
        messenger: Messenger,
        settings: SenderSettings,
        *,
        holder: str,
        is_passing: Callable[[BaseException], bool],
        on_stored: Callable[[], None] = lambda: None,
        failpoints: Failpoints = NO_FAILPOINTS,
    ) -> None:
        """`is_passing` tells failures that end by themselves, such as a database that is away.

        `on_stored` is called after outcomes have committed: whoever waits for them may go on.
        """
        self.holder = holder
        self._begin = begin
        self._channels_to_serve = channels_to_serve
        self._messenger = messenger
        self._settings = settings
        self._is_passing = is_passing
        self._failpoints = failpoints
        self._hosts = Hosts()
        self._preparing = PrepareChannel(begin, messenger, self._hosts)
        self._claiming = ClaimSends(begin, self._hosts, holder=holder, parallel=settings.parallel, paced=settings.paced)
        self._outcomes = StoreOutcomes(begin, settings.patience, self._stored, is_passing=is_passing)
        self._on_stored = on_stored
        self._served: dict[ChannelKey, ServedChannel] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._news = True
        self._look_at = 0.0

    def wake(self, *, news: bool = False) -> None:
        """Go on now: a place has become free, or there is something new to send (`news`)."""
        self._news = self._news or news
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until told to stop; then let open calls end, store their outcomes and give the leases back."""
        stop = asyncio.create_task(stopping.wait())
        stop.add_done_callback(lambda _: self.wake())
        beating = asyncio.create_task(self._beat(), name="sender leases")
        storing = asyncio.create_task(self._outcomes.run(), name="sender outcomes")
        backoff = Backoff(0.2, 5.0)
        try:
            while not stopping.is_set():
                wait_s = self._settings.poll_s
                next_at = time.monotonic() + GATHER_S
                self._woken.clear()
                try:
                    wait_s = await self._turn()
                    backoff.reset()
                except Exception as error:
                    if not self._is_passing(error):
                        log.error("a turn of the sender failed", exc_info=error)
                    wait_s = backoff.next_s()
                await self._pause(wait_s)
                await asyncio.sleep(next_at - time.monotonic())
            await self._finish()
        finally:
            for task in (stop, beating, storing):
                task.cancel()
            await self._messenger.close()

    async def _turn(self) -> float:
        """Take what is free, begin what may begin; return how long nothing needs to be done."""
        now = time.monotonic()
        if self._news or now >= self._look_at:
            self._news = False
            self._look_at = now + self._settings.poll_s
            await self._take()
            await self._give_back(now)
            self._hosts.measure()
        ready = [each for each in self._served.values() if each.in_flight < self._settings.parallel]
        if not ready:
            return self._settings.poll_s
        claimed = await self._claiming.claim(ready)
        self._failpoints.reach("send.after_begin")
        for channel, attempt in claimed.begun:
            channel.in_flight += 1
            assert channel.profile is not None
            self._hosts.of(channel.profile.server.base_url).begin(attempt.sending_at or attempt.queued_at)
            self._start(self._send(channel, attempt))
        for channel, attempt in claimed.nameless:
            self._start(self._address(channel, attempt))
        for channel in ready:
            if self._preparing.wanted(channel, self._settings.parallel):
                self._start(self._prepare(channel))
        resting = [each.rest_until - now for each in ready if each.works and each.rest_until > now]
        return min(self._settings.poll_s, claimed.again_in_s or self._settings.poll_s, *resting)

    async def _take(self) -> None:
        free = [key for key in await self._channels_to_serve(TAKEN_AT_ONCE) if key not in self._served]
        if not free:
            return
        async with self._begin({tenant_id for tenant_id, _ in free}) as work:
            taken = await work.sending.senders.take(free, self.holder, self._settings.lease_s)
            if taken:
                await self._outcomes.interrupt(taken, work)
        for key in taken:
            self._served[key] = ServedChannel(key, idle_since=time.monotonic())

    async def _give_back(self, now: float) -> None:
        idle = [
            channel.key
            for channel in self._served.values()
            if not channel.is_busy and now - channel.idle_since > IDLE_S
        ]
        if idle:
            await self._release(idle)

    async def _release(self, keys: Sequence[ChannelKey]) -> None:
        async with self._begin({tenant_id for tenant_id, _ in keys}) as work:
            await work.sending.senders.release(keys, self.holder)
        for key in keys:
            self._served.pop(key, None)

    async def _beat(self) -> None:
        """Hold the leases. One that was lost is served by another from then on; its open calls end all the same."""
        while True:
            await asyncio.sleep(self._settings.lease_s / 3)
            keys = sorted(self._served)
            if not keys:
                continue
            try:
                async with self._begin({tenant_id for tenant_id, _ in keys}) as work:
                    held = set(await work.sending.senders.renew(keys, self.holder, self._settings.lease_s))
            except Exception as error:
                if not self._is_passing(error):
                    raise
                log.warning("leases could not be renewed", error_type=type(error).__name__, channels=len(keys))
                continue
            for key in keys:
                if key not in held:
                    self._served.pop(key, None)

    async def _send(self, channel: ServedChannel, attempt: Attempt) -> None:
        assert channel.profile is not None
        server, version = channel.profile.server, channel.profile.version
        self._failpoints.reach("send.before_call")
        try:
            answer = await self._messenger.send(server, attempt)
        except Exception as error:
            log.error("a send failed in an unforeseen way", exc_info=error)
            answer = Answer(None)
        self._failpoints.reach("send.after_call")
        outcome = outcome_of(answer, reserved_id=attempt.provider_id if attempt.id_reserved else None)
        self._hosts.of(server.base_url).end(outcome)
        self._outcomes.add(CallEnded(channel, version, attempt, outcome))

    async def _prepare(self, channel: ServedChannel) -> None:
        profile = channel.profile
        assert profile is not None
        outcome = await self._preparing.prepare(channel, self._settings.parallel)
        if outcome is None:
            self.wake()
        else:
            self._outcomes.add(CallEnded(channel, profile.version, None, outcome))

    async def _address(self, channel: ServedChannel, attempt: Attempt) -> None:
        """Ask for the chat of a bare phone; the answer is what the send goes to."""
        assert channel.profile is not None and attempt.phone is not None
        profile = channel.profile
        try:
            chat = await self._messenger.address_of(profile.server, attempt.phone)
        except CallFailed as failed:
            outcome = outcome_of(failed.answer)
            self._outcomes.add(CallEnded(channel, profile.version, None, outcome))
            if outcome.verdict == "refused":
                await self._outcomes.refuse(attempt, outcome)
            return
        await self._outcomes.address(attempt, chat)
        self.wake()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._is_passing(error):
            log.error("a call's end could not be noted", exc_info=error)

    def _stored(self) -> None:
        self._on_stored()
        self.wake()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        """Let open calls end. What the grace of the process cuts off is unknown to the successor."""
        while self._calls:
            await asyncio.wait(self._calls)
        await self._outcomes.settled()
        try:
            if self._served:
                await self._release(sorted(self._served))
        except Exception as error:
            log.warning("leases could not be given back", error_type=type(error).__name__)
