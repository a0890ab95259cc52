"""From parts and a blueprint to running roles."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bus.consuming import Consuming
from bus.subscription import Subscription
from kernel.running import Role
from outbox.parked import ParkedEvents, Redrive
from web.app import ServiceApp, create_app
from web.health import Check, Health
from web.internal_tokens import InternalTokens
from web.operator_app import operator_app
from web.parked_events import parked_event_routes
from web.pem_keys import keys_of_pem
from web.posting import PostDoor
from web.routes import Routes
from web.server import HttpServer

from runtime.health import checks_of
from runtime.housekeeping import Housekeeping
from runtime.lag import KeepLag, LagWatch
from runtime.parts import Parts

ROLES = ("api", "consume", "relay", "work")


@dataclass(frozen=True)
class Blueprint:
    """What a service's bootstrap adds to the parts that every service has."""

    subscriptions: Sequence[Subscription] = ()
    routes: Sequence[Routes] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    roles: Sequence[tuple[str, Role]] = ()
    """Further roles, each with the group that it runs in: api, consume or work. They stop after the HTTP server."""
    waiting: Sequence[Role] = ()
    """Roles of the api that keep requests waiting: they stop before the HTTP server, which waits for its requests."""
    redrives: Mapping[str, Redrive] = field(default_factory=dict)
    """How parked items of other origin than a subscription are applied again, by consumer."""
    door: PostDoor | None = None
    """Takes what is posted below a path that must be faster than the framework."""
    keep_lag: KeepLag | None = None
    """Called every 2 s by the process that consumes, as long as it knows how far it lags behind."""
    gather_s: float = 0.0
    """How long what is heard one after the other gathers to one transaction, where nobody waits for what comes of it."""


Build = Callable[[Parts], Awaitable[Blueprint]]


def application(parts: Parts, blueprint: Blueprint, health: Health | None = None) -> ServiceApp:
    """Return the service's HTTP application, parked events included."""
    redrives = {each.consumer: each.redrive for each in blueprint.subscriptions} | dict(blueprint.redrives)
    parked = ParkedEvents(parts.works, parts.service, redrives)
    settings = parts.settings
    return create_app(
        service=parts.service,
        version=settings.version,
        routes=[*blueprint.routes, parked_event_routes(parked)],
        tokens=InternalTokens(parts.service, {"keys": keys_of_pem(settings.internal_token_public_keys)}),
        works=parts.works,
        health=health,
        sealing_key=settings.sealing_key,
    )


def roles_of(parts: Parts, blueprint: Blueprint, only: Collection[str]) -> list[Role]:
    """Return the roles to run, in the order in which they stop: what takes work in before what carries it out."""
    consumes = "consume" in only and bool(blueprint.subscriptions)
    consuming = parts.consuming(blueprint.subscriptions, blueprint.gather_s) if consumes else None
    health = Health(
        parts.service,
        parts.settings.version,
        {**checks_of(parts, consuming), **blueprint.checks},
        serves_api="api" in only,
    )
    http = parts.settings.http
    roles: list[Role] = []
    if consuming is not None:
        roles += [LagWatch(consuming, blueprint.keep_lag), _Together("consume", consuming)]
    if "api" in only:
        roles += blueprint.waiting
        app = application(parts, blueprint, health)
        roles.append(HttpServer(app, http.host, http.port, "api", door=blueprint.door))
    roles += [role for group, role in blueprint.roles if group in only]
    if "consume" in only or "work" in only:
        roles.append(Housekeeping(parts.works, parts.settings.bus))
    if "relay" in only:
        roles.append(parts.relay)
    roles.append(HttpServer(operator_app(health), http.host, http.metrics_port, "metrics"))
    return roles


class _Together:
    """Several roles that start and stop together."""

    def __init__(self, name: str, consuming: Consuming) -> None:
        self.name = name
        self._consuming = consuming

    async def run(self, stopping: asyncio.Event) -> None:
        """Run all of them; the first that fails ends all."""
        async with asyncio.TaskGroup() as group:
            for role in self._consuming.roles:
                group.create_task(role.run(stopping), name=role.name)
