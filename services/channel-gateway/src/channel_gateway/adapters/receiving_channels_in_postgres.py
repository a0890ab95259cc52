"""Whose webhook is it? Answered from memory; what is not there is looked up by the finder's functions."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from kernel.errors import DomainError
from postgres.database import Database
from telemetry.logs import get_logger

from channel_gateway.adapters.vault import SealBroken, Sealed, Vault
from channel_gateway.domain.receiving_channel import ChannelBehaviour, ReceivingChannel

log = get_logger(__name__)

Row = Any

KEPT_S = 5.0
"""How long a change made by another replica may go unnoticed."""

MOST_KEPT = 10_000
LOOK_UP_S = 3.0

Found = tuple[ReceivingChannel, ...]


class ReceivingChannelsInPostgres:
    """Channels by webhook id and by session name, those that do not exist included, each remembered for 5 s."""

    def __init__(
        self, database: Database, vault: Vault, *, kept_s: float = KEPT_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._vault = vault
        self._kept_s = kept_s
        self._now = now
        self._kept: OrderedDict[str, tuple[float, Found]] = OrderedDict()
        self._looking: dict[str, asyncio.Task[Found]] = {}
        self._changes = 0

    async def of_webhook(self, webhook_id: str) -> ReceivingChannel | None:
        """Return the channel with that webhook id."""
        kept = self._kept.get(webhook_id)
        if kept is not None and kept[0] > self._now():
            return kept[1][0] if kept[1] else None
        found = await self._look(webhook_id, lambda: self._load("channel_of_webhook($1::uuid)", webhook_id))
        return found[0] if found else None

    async def of_session(self, session: str) -> Sequence[ReceivingChannel]:
        """Return the channels of all tenants at a provider session of that name."""
        key = f"session {session}"
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._now():
            return kept[1]
        return await self._look(key, lambda: self._load("channels_of_session($1)", session))

    def forget(self) -> None:
        """Look again: a channel was changed here."""
        self._changes += 1
        self._kept.clear()
        self._looking.clear()  # who asks from now on must not be told what was read before

    async def _look(self, key: str, load: Callable[[], Awaitable[Found]]) -> Found:
        """Return what is loaded, once for all who ask for it at the same time."""
        looking = self._looking.get(key)
        if looking is None:
            looking = self._looking[key] = asyncio.create_task(self._load_and_keep(key, load))
        return await asyncio.shield(looking)

    async def _load_and_keep(self, key: str, load: Callable[[], Awaitable[Found]]) -> Found:
        changes = self._changes
        try:
            found = await load()
        finally:
            if changes == self._changes:
                self._looking.pop(key, None)
        if changes == self._changes:
            self._kept[key] = (self._now() + self._kept_s, found)
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    async def _load(self, function: str, wanted: str) -> Found:
        async with asyncio.timeout(LOOK_UP_S), self._database.connection() as connection:
            # The function is one of two constants.
            rows = await connection.fetch(f"select * from {function}", wanted)
        return tuple(self._channel(row) for row in rows)

    def _channel(self, row: Row) -> ReceivingChannel:
        sealed = Sealed(row["key_id"], row["nonce"], row["ciphertext"])
        try:
            secret = self._vault.open(sealed, str(row["tenant_id"]), str(row["credential_id"]))
        except SealBroken as error:
            log.error("a webhook key cannot be read", channel_id=str(row["id"]), error=str(error))
            raise DomainError("dependency_unavailable", "the webhook cannot be verified now") from error
        return receiving_channel(row, (secret.encode(),))


def receiving_channel(row: Row, keys: tuple[bytes, ...] = ()) -> ReceivingChannel:
    """Return the channel of a row."""
    return ReceivingChannel(
        tenant_id=str(row["tenant_id"]),
        project_id=str(row["project_id"]),
        id=str(row["id"]),
        webhook_id=str(row["webhook_id"]),
        type=row["type"],
        session=row["provider_session"],
        engine=row["engine"],
        allow_groups=row["allow_groups"],
        behaviour=ChannelBehaviour(
            pipeline_id=_text(row["pipeline_id"]),
            default_session_timeout_minutes=row["default_session_timeout_minutes"],
            tracking_enabled=row["tracking_enabled"],
            ai_agents_enabled=row["ai_agents_enabled"],
            debounce_timeout_ms=row["debounce_timeout_ms"],
            default_agent_id=_text(row["default_agent_id"]),
        ),
        keys=keys,
    )


def _text(identifier: Any) -> str | None:
    return None if identifier is None else str(identifier)
