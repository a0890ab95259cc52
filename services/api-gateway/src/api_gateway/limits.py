"""How often somebody may ask. Counted in this process: windows of fixed length, each begun by its first request.

Classes (api.md 1.10): `auth` by address, `global` by address for whoever is not signed in, `standard` by user or key,
`tenant` besides for API keys.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernel.errors import DomainError
from telemetry.metrics import counter

from api_gateway.operations import Operation

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

    def __init__(self, policy: Policy, now: Callable[[], float] = time.monotonic) -> None:
        self.policy = policy
        self._now = now
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, whom: str) -> Standing:
        """Count one request."""
        now = self._now()
        begun, used = self._present(whom, now)
        refused = used >= self.policy.most
        if not refused:
            used += 1
        if self._windows.get(whom, (None, 0))[0] != begun:
            self._windows.pop(whom, None)  # a new window goes to the end: they end in the order they stand in
        self._windows[whom] = (begun, used)
        self._forget(now)
        return Standing(self.policy, self.policy.most - used, self._left_s(begun, now), refused)

    def look(self, whom: str) -> Standing:
        """Return where somebody stands, without counting."""
        now = self._now()
        begun, used = self._present(whom, now)
        return Standing(self.policy, self.policy.most - used, self._left_s(begun, now), used >= self.policy.most)

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
    """All classes of this process."""

    auth: Limit
    anonymous: Limit
    standard: Limit
    tenant: Limit

    def before_sign_in(self, operation: Operation, address: str) -> Sequence[Standing]:
        """Count a request of nobody; an address that has failed too often is refused before its credential is looked at."""
        if is_auth(operation):
            return [self.auth.count(address)]
        if operation.requirement.permission == "public":
            return [self.anonymous.count(address)]
        standing = self.anonymous.look(address)
        return [standing] if standing.refused else []

    def after_failed_sign_in(self, address: str) -> None:
        """Count a credential that was refused."""
        self.anonymous.count(address)

    def after_sign_in(self, operation: Operation, subject: str, tenant_of_key: str | None) -> Sequence[Standing]:
        """Count a request of somebody known; `tenant_of_key` where they came with an API key."""
        if is_auth(operation):
            return ()
        counted = [self.standard.count(subject)]
        if tenant_of_key is not None and not counted[0].refused:
            counted.append(self.tenant.count(tenant_of_key))
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
