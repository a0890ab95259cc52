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
from channel_gateway.application.work import Begin
from channel_gateway.domain.evidence import OwnMessage, proofs
from channel_gateway.domain.sending import Attempt, Change, Patience

NO_HISTORY = (400, 501)
"""NOWEB without its store, an engine without the call: asking again would tell nothing more."""

LONGEST_BLIND = timedelta(hours=24)
"""For so long a provider that is away is asked again."""

AT_ONCE = 8
"""Calls in parallel: reads may wait, sends come first."""


@dataclass(frozen=True, slots=True)
class _Look:
    """At a chat, for sends in it whose outcome is unknown. With a reserved id each is looked for alone."""

    server: Server
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look has shown. `tells` False: the provider has no history to show, so nothing is known to be missing."""

    found: Sequence[tuple[Attempt, OwnMessage]] = ()
    tells: bool = True


class LookForSends:
    """The use case, over several transactions: no call is made inside of one."""

    def __init__(self, begin: Begin, messenger: Messenger, patience: Patience, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock
        self._messenger = messenger
        self._patience = patience
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def look(self, due: Sequence[tuple[str, str]]) -> int:
        """Look for sends (tenant, message) now; return how many were found."""
        async with self._begin({tenant_id for tenant_id, _ in due}) as work:
            attempts = await work.sending.outcomes.look(due, self._patience.blind_look_s)
            channels = sorted({(each.tenant_id, each.channel_id) for each in attempts})
            profiles = await work.sending.senders.profiles(channels, work.now) if channels else []
            # Others in the same chats may claim the same messages: they are matched together, in sending order.
            chats = [(*_channel(each), each.external_chat_id or "") for each in attempts if not each.id_reserved]
            siblings = await work.sending.outcomes.concerned([], chats) if chats else []
        servers = {profile.key: profile.server for profile in profiles}
        looks = _looks(attempts, siblings, servers)
        seen = await asyncio.gather(*(self._look_once(look) for look in looks))
        due_ids = {each.message_id for each in attempts}
        found = [pair for each in seen if each is not None for pair in each.found]
        proven = {attempt.message_id for attempt, _ in found}
        looked = [
            self._looked(attempt, tells=each.tells)
            for look, each in zip(looks, seen, strict=True)
            if each is not None
            for attempt in look.attempts
            if attempt.message_id in due_ids - proven
        ]
        # Nobody can be asked for those of a removed channel: they stay as they are.
        looked += [self._looked(each, tells=False) for each in attempts if _channel(each) not in servers]
        return await self._store(found, looked) if found or looked else 0

    async def _look_once(self, look: _Look) -> _Seen | None:
        """Return what was seen; None where the provider is away, and is asked again."""
        first = look.attempts[0]
        assert first.external_chat_id is not None
        async with self._slots:
            try:
                if first.id_reserved:
                    assert first.provider_id is not None
                    message = await self._messenger.message(look.server, first.external_chat_id, first.provider_id)
                    return _Seen([] if message is None else [(first, message)])
                since = min(_began(each) for each in look.attempts) - timedelta(seconds=self._patience.window_s)
                messages = await self._messenger.own_messages(look.server, first.external_chat_id, since)
            except CallFailed as failed:
                waited = self._clock() - (first.unknown_since or first.queued_at)
                mute = failed.answer.status in NO_HISTORY or waited > LONGEST_BLIND
                return _Seen(tells=False) if mute else None
        async with self._begin({first.tenant_id}) as work:
            known = await work.sending.outcomes.proven([(*_channel(first), each.provider_id) for each in messages])
        return _Seen(proofs(look.attempts, messages, timedelta(seconds=self._patience.window_s), known=known))

    async def _store(self, found: Sequence[tuple[Attempt, OwnMessage]], looked: Sequence[Looked]) -> int:
        changes: list[Change] = [proof(attempt, message, "history") for attempt, message in found]
        tenants = {change.tenant_id for change in changes} | {each.tenant_id for each in looked}
        async with self._begin(tenants) as work:
            settled = await settle_sends(changes, work)
            await work.sending.outcomes.looked(looked)
            sent = sent_by_channel(settled, work.now)
            if sent:
                await work.deliveries.count(sent)
        return len(settled)

    def _looked(self, attempt: Attempt, *, tells: bool) -> Looked:
        looks = attempt.looks + 1
        return Looked(
            attempt.tenant_id,
            attempt.message_id,
            looks,
            self._patience.next_look_s(looks),
            repeats=tells and attempt.id_reserved and looks >= self._patience.repeat_after,
            releases=looks >= self._patience.repeat_after,
        )


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
