"""Look for evidence of sends whose outcome nobody knows, in the history of their chats.

At 5 s, 30 s, 2 min, 10 min and 15 min. What is found was sent. What has a reserved id and is not found after 2 minutes is sent
again under that id, which makes no second message; what has none stays unknown, and people decide. Source: domain.md 6.5.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.clock import Clock

from channel_gateway.application.messenger import CallFailed, Messenger, Server
from channel_gateway.application.senders import ChannelKey
from channel_gateway.application.sends import Looked
from channel_gateway.application.settle_sends import proof, sent_by_channel, settle_sends
from channel_gateway.application.work import Begin, Work
from channel_gateway.domain.evidence import OwnMessage, proofs
from channel_gateway.domain.sending import Attempt, Patience

NO_HISTORY = (400, 501)
"""NOWEB without its store, an engine without the call: asking again would tell nothing more."""

LONGEST_BLIND = timedelta(hours=24)
"""For so long a provider that is away is asked again."""

AT_ONCE = 8
"""Calls in parallel: reads may wait, sends come first."""


@dataclass(frozen=True, slots=True)
class _Look:
    """At a chat, for sends in it whose outcome is unknown. With a reserved id each is looked for alone (`by_id`).

    `server` None: there is nobody to ask.
    """

    server: Server | None
    attempts: Sequence[Attempt]

    @property
    def by_id(self) -> bool:
        return self.attempts[0].id_reserved

    @property
    def channel(self) -> ChannelKey:
        return _channel(self.attempts[0])


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look has shown. `tells` False: the provider has no history to show, so nothing is known to be missing."""

    messages: Sequence[OwnMessage] = ()
    tells: bool = True


class LookForSends:
    """The use case, over two transactions: no call is made inside of one."""

    def __init__(self, begin: Begin, messenger: Messenger, patience: Patience, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock
        self._messenger = messenger
        self._patience = patience
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def look(self, due: Sequence[tuple[str, str]]) -> int:
        """Look for sends (tenant, message) now; return how many were found."""
        async with self._begin({tenant_id for tenant_id, _ in due}) as work:
            attempts = await work.sending.outcomes.look(due, self._patience.longest_blind_s)
            channels = sorted({_channel(each) for each in attempts})
            profiles = await work.sending.senders.profiles(channels, work.now) if channels else []
            # Others in the same chats may claim the same messages: they are matched together, in sending order.
            chats = [(*_channel(each), each.external_chat_id or "") for each in attempts if not each.id_reserved]
            siblings = await work.sending.outcomes.concerned([], chats) if chats else []
        if not attempts:
            return 0
        servers = {profile.key: profile.server for profile in profiles}
        looks = _looks(attempts, siblings, servers)
        seen = await asyncio.gather(*(self._ask(look) for look in looks))
        # Nobody can be asked for those of a removed channel: they stay as they are.
        orphans = _Look(None, [each for each in attempts if _channel(each) not in servers])
        return await self._store([*zip(looks, seen, strict=True), (orphans, _Seen(tells=False))], attempts)

    async def _ask(self, look: _Look) -> _Seen | None:
        """Return what was seen; None where the provider is away, and is asked again."""
        first = look.attempts[0]
        assert look.server is not None and first.external_chat_id is not None
        async with self._slots:
            try:
                if first.id_reserved:
                    assert first.provider_id is not None
                    message = await self._messenger.message(look.server, first.external_chat_id, first.provider_id)
                    return _Seen([] if message is None else [message])
                since = min(_began(each) for each in look.attempts) - timedelta(seconds=self._patience.window_s)
                return _Seen(await self._messenger.own_messages(look.server, first.external_chat_id, since))
            except CallFailed as failed:
                mute = failed.answer.status in NO_HISTORY or self._waited(first) > LONGEST_BLIND
                return _Seen(tells=False) if mute else None

    async def _store(self, seen: Sequence[tuple[_Look, _Seen | None]], due: Sequence[Attempt]) -> int:
        async with self._begin({each.tenant_id for each in due}) as work:
            found = await self._proofs(seen, work)
            settled = await settle_sends([proof(attempt, message, "history") for attempt, message in found], work)
            open_ids = {each.message_id for each in due} - {attempt.message_id for attempt, _ in found}
            left = [(each, at) for look, at in seen for each in look.attempts if each.message_id in open_ids]
            await work.sending.outcomes.looked([self._looked(each, at) for each, at in left])
            sent = sent_by_channel(settled, work.now)
            if sent:
                await work.deliveries.count(sent)
        return len(settled)

    async def _proofs(
        self, seen: Sequence[tuple[_Look, _Seen | None]], work: Work
    ) -> Sequence[tuple[Attempt, OwnMessage]]:
        told = [(look, at.messages) for look, at in seen if at is not None and at.messages]
        ids = [(*look.channel, each.provider_id) for look, messages in told if not look.by_id for each in messages]
        proven = await work.sending.outcomes.proven(ids) if ids else set()
        window = timedelta(seconds=self._patience.window_s)
        found: list[tuple[Attempt, OwnMessage]] = []
        for look, messages in told:
            if look.by_id:
                found.append((look.attempts[0], messages[0]))
            else:
                known = {each.provider_id for each in messages if (*look.channel, each.provider_id) in proven}
                found += proofs(look.attempts, messages, window, known=known)
        return found

    def _looked(self, attempt: Attempt, seen: _Seen | None) -> Looked:
        """Return what a look in vain comes to. One that could not be taken does not count."""
        if seen is None:
            again_s = self._patience.blind_again_s(self._waited(attempt).total_seconds())
            return Looked(attempt.tenant_id, attempt.message_id, attempt.looks, attempt.looks, again_s)
        looks = attempt.looks + 1
        return Looked(
            attempt.tenant_id,
            attempt.message_id,
            attempt.looks,
            looks,
            self._patience.next_look_s(looks),
            repeats=seen.tells and attempt.id_reserved and looks >= self._patience.repeat_after,
            releases=looks >= self._patience.repeat_after,
        )

    def _waited(self, attempt: Attempt) -> timedelta:
        return self._clock() - (attempt.unknown_since or attempt.queued_at)


def _looks(attempts: Sequence[Attempt], siblings: Sequence[Attempt], servers: dict[ChannelKey, Server]) -> list[_Look]:
    looks: list[_Look] = []
    chats: dict[tuple[ChannelKey, str | None], dict[str, Attempt]] = {}
    for attempt in attempts:
        server = servers.get(_channel(attempt))
        if server is None:
            continue
        if attempt.id_reserved:
            looks.append(_Look(server, [attempt]))
        else:
            chats.setdefault((_channel(attempt), attempt.external_chat_id), {})[attempt.message_id] = attempt
    for (channel, chat), own in chats.items():
        for sibling in siblings:
            if (_channel(sibling), sibling.external_chat_id) == (channel, chat) and sibling.state == "unknown":
                own.setdefault(sibling.message_id, sibling)
        looks.append(_Look(servers[channel], list(own.values())))
    return looks


def _channel(attempt: Attempt) -> ChannelKey:
    return attempt.tenant_id, attempt.channel_id


def _began(attempt: Attempt) -> datetime:
    assert attempt.sending_at is not None
    return attempt.sending_at
