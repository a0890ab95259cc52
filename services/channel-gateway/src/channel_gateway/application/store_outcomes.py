"""Store the outcomes of calls, as many together as have ended, and what they say about their channels."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernel.backoff import Backoff
from telemetry.logs import get_logger

from channel_gateway.application.end_sends import refuse_sends
from channel_gateway.application.note_troubles import Trouble, note_troubles
from channel_gateway.application.senders import ChannelKey
from channel_gateway.application.served_channel import ServedChannel
from channel_gateway.application.settle_sends import interrupt_sends, sent_by_channel, settle_sends
from channel_gateway.application.work import Begin, Work
from channel_gateway.domain.send_outcomes import Outcome
from channel_gateway.domain.sending import MOST_FAILURES, NOT_ON_WHATSAPP, Attempt, Patience, Refusal, change_of

log = get_logger(__name__)

GATHER_S = 0.03
"""What ends within so long after a transaction shares the next one: it costs about the same for one send as for twenty."""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call has ended: the send `attempt`, or None for one that only asked something.

    `version` is that of the channel whose address and key were used.
    """

    channel: ServedChannel
    version: int
    attempt: Attempt | None
    outcome: Outcome

    @property
    def last_straw(self) -> bool:
        """Tell whether this channel has failed often enough to be taken for gone."""
        failures = self.channel.failures if self.attempt is None else self.attempt.failures + 1
        return failures >= MOST_FAILURES


class StoreOutcomes:
    """The use case, for one sender: `run` stores what `add` hands over, until it is cancelled."""

    def __init__(
        self,
        begin: Begin,
        patience: Patience,
        stored: Callable[[], None],
        *,
        is_passing: Callable[[BaseException], bool],
    ) -> None:
        """`stored` is called after each commit: chats and places have become free."""
        self._begin = begin
        self._patience = patience
        self._stored = stored
        self._is_passing = is_passing
        self._waiting: list[CallEnded] = []
        self._storing = 0
        self._added = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def add(self, ended: CallEnded) -> None:
        """Hand over the end of a call."""
        self._waiting.append(ended)
        self._empty.clear()
        self._added.set()

    async def settled(self) -> None:
        """Return when everything handed over is stored."""
        await self._empty.wait()

    async def run(self) -> None:
        """Store for ever, in batches of what has piled up."""
        while True:
            await self._added.wait()
            self._added.clear()
            batch, self._waiting = self._waiting, []
            await self._store_surely(batch)
            for ended in batch:
                if ended.attempt is not None:
                    ended.channel.in_flight -= 1
            if not self._waiting:
                self._empty.set()
            self._stored()
            await asyncio.sleep(GATHER_S)

    async def interrupt(self, channels: Sequence[ChannelKey], work: Work) -> None:
        """Make unknown what another sender had begun in these channels."""
        await interrupt_sends(channels, self._patience, work)

    async def address(self, attempt: Attempt, chat: str | None) -> None:
        """Store the chat of a bare phone, or that there is none."""
        async with self._begin({attempt.tenant_id}) as work:
            if chat is None:
                await refuse_sends([(attempt.tenant_id, attempt.message_id, NOT_ON_WHATSAPP)], work)
            else:
                await work.sending.queue.address([(attempt, chat)])

    async def refuse(self, attempt: Attempt, outcome: Outcome) -> None:
        """Store that a send that has not begun will not be."""
        refusal = Refusal(outcome.code, outcome.reason, permanent=outcome.permanent)
        async with self._begin({attempt.tenant_id}) as work:
            await refuse_sends([(attempt.tenant_id, attempt.message_id, refusal)], work)

    async def _store_surely(self, batch: Sequence[CallEnded]) -> None:
        """Repeat while the database is away. A batch with something wrong in it is stored one by one."""
        backoff = Backoff(0.1, 5.0)
        while True:
            try:
                return await self._store(batch)
            except Exception as error:
                if self._is_passing(error):
                    log.warning("outcomes could not be stored yet", error_type=type(error).__name__, calls=len(batch))
                    await asyncio.sleep(backoff.next_s())
                elif len(batch) > 1:
                    for ended in batch:
                        await self._store_surely([ended])
                    return None
                else:
                    # It stays `sending`, and becomes unknown with the next lease.
                    log.error("an outcome could not be stored", exc_info=error)
                    return None

    async def _store(self, batch: Sequence[CallEnded]) -> None:
        changes = [
            change_of(ended.attempt, ended.outcome, self._patience, random.random)
            for ended in batch
            if ended.attempt is not None
        ]
        troubles = [
            Trouble(ended.channel.key, ended.version, ended.outcome, last_straw=ended.last_straw)
            for ended in batch
            if ended.outcome.concerns_channel
        ]
        async with self._begin({ended.channel.key[0] for ended in batch}) as work:
            settled = await settle_sends(changes, work)
            sent = sent_by_channel(settled, work.now)
            if sent:
                await work.deliveries.count(sent)
            if troubles:
                await note_troubles(troubles, work)
