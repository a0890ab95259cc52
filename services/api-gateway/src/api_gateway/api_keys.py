"""API keys: told apart by their SHA-256, resolved by identity, remembered for seconds. The key itself is never kept."""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from kernel.clock import Clock, utc_now
from kernel.errors import DomainError

from api_gateway.principals import Principal

FORM = re.compile(r"v[ko]_[0-9a-f]{8}_[0-9a-f]{64}")
KEPT_S = 30.0
REFUSAL_KEPT_S = 2.0
MOST = 10_000


@dataclass(frozen=True, slots=True)
class ResolvedKey:
    """A valid key, as identity knows it."""

    principal: Principal
    expires_at: datetime | None
    user_id: str


Resolve = Callable[[str], Awaitable[ResolvedKey]]
"""From the SHA-256 in hex; raises a DomainError that is told to the caller."""


class ApiKeys:
    """Resolves keys; each one is asked for once at a time. Refusals are remembered too, so that guessing costs us little."""

    def __init__(
        self, resolve: Resolve, now: Callable[[], float] = time.monotonic, clock: Clock = utc_now, most: int = MOST
    ) -> None:
        self._resolve = resolve
        self._now = now
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[str, tuple[float, ResolvedKey | DomainError]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[ResolvedKey]] = {}
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def principal(self, key: str) -> Principal:
        """Return whose key it is; raise invalid_credentials, token_revoked, api_key_expired, dependency_unavailable."""
        if not FORM.fullmatch(key):
            raise DomainError("invalid_credentials", "there is no such API key")
        resolved = await self._resolved(hashlib.sha256(key.encode()).hexdigest())
        if resolved.expires_at is not None and resolved.expires_at <= self._clock():
            raise DomainError("api_key_expired", "the API key has expired")
        return resolved.principal

    def forget(self, api_key_id: str) -> None:
        """Drop what is known of a key: it was withdrawn."""
        self._drop(lambda known: known.principal.credential_id == api_key_id)

    def forget_of(self, user_id: str) -> None:
        """Drop what is known of a person's keys: they may do something else than before."""
        self._drop(lambda known: known.user_id == user_id)

    def _drop(self, gone: Callable[[ResolvedKey], bool]) -> None:
        self._forgotten += 1
        for digest, (_, known) in list(self._kept.items()):
            if isinstance(known, ResolvedKey) and gone(known):
                del self._kept[digest]

    async def _resolved(self, digest: str) -> ResolvedKey:
        kept = self._kept.get(digest)
        if kept is not None and kept[0] > self._now():
            if isinstance(kept[1], DomainError):
                raise DomainError(kept[1].code, kept[1].detail)
            return kept[1]
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._ask(digest))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        return await asyncio.shield(asking)

    async def _ask(self, digest: str) -> ResolvedKey:
        forgotten = self._forgotten
        try:
            resolved = await self._resolve(digest)
        except DomainError as error:
            if error.code != "dependency_unavailable":
                self._keep(digest, REFUSAL_KEPT_S, error)
            raise
        # Otherwise this may be what was to be forgotten: good for this request, and then asked for again.
        if forgotten == self._forgotten:
            self._keep(digest, KEPT_S, resolved)
        return resolved

    def _keep(self, digest: str, seconds: float, known: ResolvedKey | DomainError) -> None:
        self._kept.pop(digest, None)
        self._kept[digest] = (self._now() + seconds, known)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
