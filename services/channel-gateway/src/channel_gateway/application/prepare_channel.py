"""Ask a channel's provider for what must be known before a send: the engine, and ids for messages to come.

Ids are taken ahead: they bind nothing, and a send must not wait for one.
"""

import asyncio
import random
import time
from dataclasses import replace

from channel_gateway.application.messenger import CallFailed, Engine, Messenger
from channel_gateway.application.served_channel import Hosts, Monotonic, ServedChannel
from channel_gateway.application.work import Begin
from channel_gateway.domain.send_outcomes import Outcome, outcome_of
from channel_gateway.domain.sending import retry_s

ENGINE_KNOWN_S = 600.0
"""A provider may be upgraded while we serve its channels."""


class PrepareChannel:
    """The use case, for the channels that one sender serves."""

    def __init__(self, begin: Begin, messenger: Messenger, hosts: Hosts, now: Monotonic = time.monotonic) -> None:
        self._begin = begin
        self._messenger = messenger
        self._hosts = hosts
        self._now = now

    def wanted(self, channel: ServedChannel, parallel: int) -> bool:
        """Tell whether something should be asked for a channel, and may be now."""
        if channel.profile is None or not channel.works or channel.asking or self._now() < channel.rest_until:
            return False
        if self._hosts.of(channel.profile.server.base_url).breaker.state == "open":
            return False
        return self._engine_unknown(channel) or (bool(channel.reserves_ids) and len(channel.ids) < parallel)

    async def prepare(self, channel: ServedChannel, parallel: int) -> Outcome | None:
        """Ask; return what went wrong, if something did."""
        assert channel.profile is not None
        channel.asking = True
        try:
            if self._engine_unknown(channel):
                await self._learn(channel, await self._messenger.engine(channel.profile.server))
            if channel.reserves_ids:
                await self._reserve(channel, parallel - len(channel.ids))
        except CallFailed as failed:
            channel.rest_until = self._now() + retry_s(channel.failures, random.random)
            channel.failures += 1
            return outcome_of(failed.answer)
        finally:
            channel.asking = False
        channel.failures = 0
        return None

    def _engine_unknown(self, channel: ServedChannel) -> bool:
        return channel.reserves_ids is None or self._now() - channel.known_at > ENGINE_KNOWN_S

    async def _reserve(self, channel: ServedChannel, count: int) -> None:
        assert channel.profile is not None
        server = channel.profile.server
        found = await asyncio.gather(*(self._messenger.reserve(server) for _ in range(count)), return_exceptions=True)
        channel.ids += [each for each in found if isinstance(each, str)]
        for each in found:
            if isinstance(each, BaseException):
                raise each
        if None in found:
            channel.ids.clear()
            await self._learn(channel, Engine(None, None, reserves_ids=False))

    async def _learn(self, channel: ServedChannel, engine: Engine) -> None:
        assert channel.profile is not None
        async with self._begin({channel.key[0]}) as work:
            await work.sending.senders.remember_engine(channel.key, engine)
        channel.profile = replace(channel.profile, reserves_ids=engine.reserves_ids)
        channel.known_at = self._now()
