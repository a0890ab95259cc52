"""How often somebody may ask: windows of fixed length, each begun by its first request.

Counted in this process, or by all replicas together (shared_counts.py); what the others tell is remembered here, so that
whoever stands at their limit is refused without asking, and each replica goes on from there where nobody tells any more.

Classes (api.md 1.10): `auth` by address, `global` by address for whoever is not signed in, `standard` by user or key,
`tenant` besides for API keys; `expensive` by tenant, instead of both, where a route says so.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernel.errors import DomainError
from telemetry.metrics import counter

from api_gateway.operations import Operation
from api_gateway.principals import Principal
from api_gateway.shared_counts import Counts

REFUSED = counter("rate_limited_total", "requests refused by a rate limit", ("policy",))
MOST_WINDOWS = 100_000
_ALSO_AUTH = ("/api/v1/auth/password", "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset")


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `most` requests in `window_s` seconds."""

    name: str
    most: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands with one policy; `resets_s` is how long the window still lasts."""

    policy: Policy
    remaining: int
    resets_s: int
    refused: bool


class Limit:
    """The windows of one policy, by whom they count. Bounded: the oldest window is forgotten first."""

    def __init__(self, policy: Policy, shared: Counts | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.policy = policy
        self._shared = shared
        self._now = now
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def count(self, whom: str) -> Standing:
        """Count one request."""
        if self._shared is not None:
            used = await self._shared.add(f"{self.policy.name}:{whom}", self.policy.window_s)
            if used is not None:
                return await self._as_told(whom, used, self._shared)
        return self.count_here(whom)

    def count_here(self, whom: str) -> Standing:
        """Count one request in this process."""
        now = self._now()
        begun, used = self._present(whom, now)
        refused = used >= self.policy.most
        if not refused:
            used += 1
        return self._stands(whom, now, begun, used, refused=refused)

    def look(self, whom: str) -> Standing:
        """Return where somebody stands, without counting."""
        now = self._now()
        begun, used = self._present(whom, now)
        return Standing(self.policy, self.policy.most - used, self._left_s(begun, now), used >= self.policy.most)

    async def _as_told(self, whom: str, used: int, shared: Counts) -> Standing:
        """Return where somebody stands who was counted by all replicas together, this request included."""
        now = self._now()
        begun, known = self._present(whom, now)
        if used == 1:
            begun = now
        elif used <= known or known == 0:
            # Another replica has begun this window. Where it does not say when, it is taken for new.
            left_s = await shared.left_s(f"{self.policy.name}:{whom}")
            begun = now if left_s is None else now - self.policy.window_s + left_s
        most = self.policy.most
        return self._stands(whom, now, begun, min(used, most), refused=used > most)

    def _stands(self, whom: str, now: float, begun: float, used: int, *, refused: bool) -> Standing:
        if self._windows.get(whom, (None, 0))[0] != begun:
            self._windows.pop(whom, None)  # a new window goes to the end: they end in the order they stand in
        self._windows[whom] = (begun, used)
        self._forget(now)
        return Standing(self.policy, self.policy.most - used, self._left_s(begun, now), refused)

    def _present(self, whom: str, now: float) -> tuple[float, int]:
        begun, used = self._windows.get(whom, (now, 0))
        return (now, 0) if now - begun >= self.policy.window_s else (begun, used)

    def _left_s(self, begun: float, now: float) -> int:
        return max(1, math.ceil(begun + self.policy.window_s - now))

    def _forget(self, now: float) -> None:
        while self._windows:
            whom, (begun, _) = next(iter(self._windows.items()))
            if now - begun < self.policy.window_s and len(self._windows) <= MOST_WINDOWS:
                return
            del self._windows[whom]


@dataclass(frozen=True)
class Limits:
    """All classes."""

    auth: Limit
    anonymous: Limit
    standard: Limit
    tenant: Limit
    expensive: Limit

    async def before_sign_in(self, operation: Operation, address: str) -> Sequence[Standing]:
        """Count a request of nobody; an address that has failed too often is refused before its credential is looked at."""
        if is_auth(operation):
            return [await self.auth.count(address)]
        if operation.requirement.permission == "public":
            return [await self.anonymous.count(address)]
        standing = self.anonymous.look(address)
        return [standing] if standing.refused else []

    async def after_failed_sign_in(self, address: str) -> None:
        """Count a credential that was refused."""
        await self.anonymous.count(address)

    async def after_sign_in(self, operation: Operation, principal: Principal) -> Sequence[Standing]:
        """Count a request of somebody known."""
        if is_auth(operation):
            return ()
        if operation.rate == "expensive":
            return [await self.expensive.count(principal.tenant_id)]
        counted = [await self.standard.count(principal.limited_as)]
        if principal.subject_kind == "api_key" and not counted[0].refused:
            counted.append(await self.tenant.count(principal.tenant_id))
        return counted


def is_auth(operation: Operation) -> bool:
    """Tell whether an operation is in class `auth`: register, login, refresh, password, invitations."""
    path = operation.path
    is_public = operation.requirement.permission == "public" and path.startswith("/api/v1/auth/")
    return operation.method == "POST" and (is_public or path in _ALSO_AUTH)


def headers_of(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell where the caller stands, the tightest policy in the older ones."""
    if not standings:
        return []
    tightest = min(standings, key=lambda each: (not each.refused, each.remaining))
    told = {
        "ratelimit-policy": ", ".join(f'"{s.policy.name}";q={s.policy.most};w={s.policy.window_s}' for s in standings),
        "ratelimit": ", ".join(f'"{s.policy.name}";r={s.remaining};t={s.resets_s}' for s in standings),
        "x-ratelimit-limit": str(tightest.policy.most),
        "x-ratelimit-remaining": str(tightest.remaining),
        "x-ratelimit-reset": str(tightest.resets_s),
    }
    return [(name.encode(), value.encode()) for name, value in told.items()]


def refuse(standings: Sequence[Standing]) -> None:
    """Raise rate_limited where one of the policies refuses."""
    for standing in standings:
        if standing.refused:
            REFUSED.labels(standing.policy.name).inc()
            raise DomainError(
                "rate_limited",
                f"at most {standing.policy.most} requests in {standing.policy.window_s} s",
                retry_after=standing.resets_s,
            )
