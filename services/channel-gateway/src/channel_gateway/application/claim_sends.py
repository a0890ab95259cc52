"""Begin what may be sent now, for all channels that a sender serves, in one transaction: `sending` commits before any call.

Of each chat the first, of each channel as many as pace, free places and the provider's server allow, high priority first.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from channel_gateway.application.senders import ChannelKey, Standing
from channel_gateway.application.sends import Budget
from channel_gateway.application.served_channel import Hosts, Monotonic, ServedChannel
from channel_gateway.application.work import Begin, Work
from channel_gateway.domain.sending import HIGH, Attempt

LOOK_UP_S = 60.0
"""A send to a bare phone comes up again after so long, should its look-up be lost."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What has begun, what must be addressed first, and when more may begin (seconds; None: whenever something happens)."""

    begun: Sequence[tuple[ServedChannel, Attempt]] = ()
    nameless: Sequence[tuple[ServedChannel, Attempt]] = ()
    again_in_s: float | None = None


class ClaimSends:
    """The use case, for one sender."""

    def __init__(
        self,
        begin: Begin,
        hosts: Hosts,
        *,
        holder: str,
        parallel: int,
        paced: bool,
        now: Monotonic = time.monotonic,
    ) -> None:
        """`parallel` chats of a channel at once; `paced` False: as fast as it goes, for tests and measurements."""
        self._begin = begin
        self._hosts = hosts
        self._holder = holder
        self._parallel = parallel
        self._paced = paced
        self._now = now

    async def claim(self, channels: Sequence[ServedChannel]) -> Claimed:
        """Begin sends of these channels."""
        by_key = {channel.key: channel for channel in channels}
        async with self._begin({tenant_id for tenant_id, _ in by_key}) as work:
            standings = await work.sending.senders.stand(sorted(by_key), self._holder)
            await self._learn(
                [by_key[each.key] for each in standings if not by_key[each.key].is_current(each.version)], work
            )
            for each in standings:
                by_key[each.key].works = each.works
            standing = {
                each.key: each for each in standings if each.works and by_key[each.key].reserves_ids is not None
            }
            budgets = self._budgets(standing, by_key)
            heads = list(await work.sending.queue.heads(budgets)) if budgets else []
            heads = await self._leave_unrepeatable(heads, by_key, work)
            nameless = [each for each in heads if each.external_chat_id is None]
            if nameless:
                await work.sending.queue.postpone(nameless, LOOK_UP_S)
            begun = await self._begin_sends([each for each in heads if each.external_chat_id is not None], by_key, work)
            again_in_s = await self._spend(begun, budgets, standing, by_key, work)
        for attempt in heads:
            by_key[_channel(attempt)].idle_since = self._now()
        return Claimed(
            [(by_key[_channel(each)], each) for each in begun],
            [(by_key[_channel(each)], each) for each in nameless],
            again_in_s,
        )

    async def _learn(self, channels: Sequence[ServedChannel], work: Work) -> None:
        if not channels:
            return
        by_key = {channel.key: channel for channel in channels}
        for profile in await work.sending.senders.profiles(sorted(by_key), work.now):
            by_key[profile.key].learn(profile, self._now())

    def _budgets(self, standing: dict[ChannelKey, Standing], by_key: dict[ChannelKey, ServedChannel]) -> list[Budget]:
        budgets = []
        for key, stands in standing.items():
            channel = by_key[key]
            assert channel.profile is not None
            host = self._hosts.of(channel.profile.server.base_url)
            budget = channel.budget(stands, host, self._parallel, paced=self._paced)
            if budget.slots and (budget.high or budget.automated):
                budgets.append(budget)
        return budgets

    async def _begin_sends(
        self, heads: Sequence[Attempt], by_key: dict[ChannelKey, ServedChannel], work: Work
    ) -> list[Attempt]:
        """Make them begin, each with an id of its own where the engine takes one. One that was withdrawn does not."""
        ids = {each.message_id: self._id_for(each, by_key[_channel(each)]) for each in heads}
        if not heads:
            return []
        begun = await work.sending.queue.begin([(each, ids[each.message_id]) for each in heads])
        return [
            replace(
                each,
                state="sending",
                attempts=now.attempts,
                provider_id=now.provider_id,
                id_reserved=now.id_reserved,
                sending_at=now.sending_at,
            )
            for each in heads
            if (now := begun.get(each.message_id)) is not None
        ]

    async def _leave_unrepeatable(
        self, heads: list[Attempt], by_key: dict[ChannelKey, ServedChannel], work: Work
    ) -> list[Attempt]:
        """Return what may begin. An engine that takes no ids any more would make a second message of a repeat."""
        left = [each for each in heads if each.unknown_since is not None and not by_key[_channel(each)].reserves_ids]
        if left:
            await work.sending.queue.leave(left)
        return [each for each in heads if each not in left]

    def _id_for(self, attempt: Attempt, channel: ServedChannel) -> str | None:
        """Return the id that the send was given before, or a new one; none where the engine takes none."""
        if not channel.reserves_ids:
            return None
        return attempt.provider_id if attempt.id_reserved else channel.ids.pop()

    async def _spend(
        self,
        begun: Sequence[Attempt],
        budgets: Sequence[Budget],
        standing: dict[ChannelKey, Standing],
        by_key: dict[ChannelKey, ServedChannel],
        work: Work,
    ) -> float | None:
        """Take tokens for what has begun; return when the first channel that ran out has one again."""
        if not self._paced:
            return None
        spent, waits = [], []
        for budget in budgets:
            key = (budget.tenant_id, budget.channel_id)
            own = [each for each in begun if _channel(each) == key]
            pace, stands = by_key[key].pace(), standing[key]
            high = sum(each.priority == HIGH for each in own)
            high_at = pace.high.taken(high, stands.high_at, stands.now, random.random) if high else stands.high_at
            automated_at = stands.automated_at
            if len(own) > high:
                automated_at = pace.automated.taken(len(own) - high, automated_at, stands.now, random.random)
            if own:
                spent.append((key, high_at, automated_at))
            waits += [
                w for w in (pace.high.wait_s(high_at, stands.now), pace.automated.wait_s(automated_at, stands.now)) if w
            ]
        if spent:
            await work.sending.senders.spend(spent)
        return min(waits, default=None)


def _channel(attempt: Attempt) -> ChannelKey:
    return attempt.tenant_id, attempt.channel_id
