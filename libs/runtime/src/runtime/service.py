"""From parts and a blueprint to running roles."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bus.subscription import Subscription
from kernel.running import Role
from outbox.parked import Redrive
from web.routes import Routes

ROLES = ("api", "consume", "relay", "work")


@dataclass(frozen=True)
class Blueprint:
    """What a service's bootstrap adds to the parts that every service has."""

    subscriptions: Sequence[Subscription] = ()
    routes: Sequence[Routes] = ()
    checks: Mapping[str, Callable[[], Awaitable[Any]]] = field(default_factory=dict)
    roles: Sequence[tuple[str, Role]] = ()
    """Further roles, each with the group that it runs in: api, consume or work."""
    redrives: Mapping[str, Redrive] = field(default_factory=dict)
    """How parked items of other origin than a subscription are applied again, by consumer."""
    around: Callable[[Any], Any] | None = None
    """Wraps the ASGI application, for a path that must be faster than the framework."""
