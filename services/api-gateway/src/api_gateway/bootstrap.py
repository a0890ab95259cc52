"""The composition root: the only file that names every concrete class."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bus.transient import TransientSubscriptions
from contracts.envelope import AnyEvent
from contracts.topology import Topology, load_topology
from kernel.running import Role
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from web.caller import Caller
from web.client_addresses import ClientAddresses
from web.frame import RequestFrame
from web.health import NAMES, Health
from web.internal_tokens import InternalTokenIssuer
from web.operator_app import operator_app
from web.pem_keys import keys_of_pem
from web.server import HttpServer

from api_gateway import health as product_health
from api_gateway.access_tokens import AccessTokens, SigningKeys
from api_gateway.api_keys import ApiKeys
from api_gateway.authenticate import Authenticator
from api_gateway.cors import Cors
from api_gateway.documents import pages_of
from api_gateway.entrypoints.events import on_identity_api_key_revoked as key_revoked
from api_gateway.entrypoints.events import on_identity_password_changed as password_changed
from api_gateway.entrypoints.events import on_identity_sign_in_revoked as sign_in_revoked
from api_gateway.entrypoints.events import on_project_member_joined as member_joined
from api_gateway.entrypoints.events import on_project_member_removed as member_removed
from api_gateway.entrypoints.events import on_project_member_role_changed as role_changed
from api_gateway.forward import Forwarder
from api_gateway.gateway import Gateway, OwnHandler
from api_gateway.hosts import Hosts
from api_gateway.identity_client import IdentityClient
from api_gateway.joined import Joined
from api_gateway.limits import Limit, Limits, Policy
from api_gateway.memberships import Memberships
from api_gateway.operations import OWN, operations_of
from api_gateway.routes import RoutingTable
from api_gateway.settings import GatewaySettings, RateSettings
from api_gateway.shared_counts import RedisCounts
from api_gateway.upstream import Upstream
from api_gateway.withdrawals import Withdrawal, WithdrawalReader, Withdrawals


@dataclass(frozen=True)
class Built:
    """The gateway, put together and not yet running."""

    app: ASGIApp
    health: Health
    gateway: Gateway
    hearing: TransientSubscriptions
    reader: WithdrawalReader
    keys: SigningKeys
    upstreams: dict[str, Upstream]
    counts: RedisCounts | None

    async def close(self) -> None:
        """Close the connections to the services, and to Redis."""
        for upstream in self.upstreams.values():
            await upstream.close()
        if self.counts is not None:
            await self.counts.close()


def build(settings: GatewaySettings, document: dict[str, Any], topology: Topology | None = None) -> Built:
    """Put the gateway together; raise DocumentError where the document cannot be served, ValueError for a wrong setting."""
    issuer = InternalTokenIssuer(keys_of_pem(settings.internal_token_private_key)[0])
    upstreams = {
        service: Upstream(service, url, settings.request_timeout_s) for service, url in settings.services.items()
    }
    identity = IdentityClient(upstreams["identity"], issuer)
    keys = SigningKeys(identity.signing_keys)
    withdrawals, memberships = Withdrawals(), Memberships()
    api_keys = ApiKeys(identity.resolve)
    withdrawals.on_key.append(api_keys.forget)
    memberships.on_user.append(api_keys.forget_of)
    hearing, reader = _hearing(settings, topology or load_topology(), withdrawals, memberships, identity, keys)
    survey = product_health.Survey(upstreams)
    counts = RedisCounts(settings.redis_url) if settings.redis_url else None
    health = product_health.ProductHealth(
        product_health.PRODUCT,
        settings.version,
        product_health.checks_of(survey, lambda: keys.known, hearing.listening.is_set, counts),
    )
    gateway = Gateway(
        table=RoutingTable(operations_of(document, settings.services)),
        authenticator=Authenticator(
            AccessTokens(keys, settings.base_url), api_keys, withdrawals, memberships, lambda: reader.complete
        ),
        forwarder=Forwarder(
            upstreams,
            issuer,
            most_json_bytes=settings.most_json_bytes,
            most_webhook_bytes=settings.most_webhook_bytes,
        ),
        limits=_limits(settings.rates, counts),
        addresses=ClientAddresses(settings.trusted_proxies),
        hosts=Hosts(settings.allowed_hosts),
        own=_own_handlers(health, Joined(upstreams, issuer)),
        pages=pages_of(document, settings.base_url) if settings.docs else {},
        origins=settings.cors_origins,
    )
    app = Cors(RequestFrame(gateway, timeout_s=settings.request_timeout_s), settings.cors_origins)
    return Built(app, health, gateway, hearing, reader, keys, upstreams, counts)


def roles_of(built: Built, settings: GatewaySettings) -> list[Role]:
    """Return the roles to run, in the order in which they stop."""
    return [
        HttpServer(built.app, settings.host, settings.port, "api"),
        built.hearing,
        built.reader,
        HttpServer(operator_app(built.health), settings.host, settings.metrics_port, "metrics"),
    ]


def _hearing(
    settings: GatewaySettings,
    topology: Topology,
    withdrawals: Withdrawals,
    memberships: Memberships,
    identity: IdentityClient,
    keys: SigningKeys,
) -> tuple[TransientSubscriptions, WithdrawalReader]:
    async def hear_key(events: Sequence[AnyEvent]) -> None:
        await key_revoked.on_identity_api_key_revoked(events, withdrawals)

    async def hear_sign_in(events: Sequence[AnyEvent]) -> None:
        await sign_in_revoked.on_identity_sign_in_revoked(events, withdrawals)

    async def hear_password(events: Sequence[AnyEvent]) -> None:
        await password_changed.on_identity_password_changed(events, withdrawals)

    async def hear_joined(events: Sequence[AnyEvent]) -> None:
        await member_joined.on_project_member_joined(events, memberships)

    async def hear_role(events: Sequence[AnyEvent]) -> None:
        await role_changed.on_project_member_role_changed(events, memberships)

    async def hear_removed(events: Sequence[AnyEvent]) -> None:
        await member_removed.on_project_member_removed(events, memberships)

    async def read() -> Iterable[Withdrawal]:
        if not keys.known:
            await keys.refresh()
        lately = await identity.withdrawals()
        memberships.add(lately.memberships)
        return lately.withdrawals

    async def after_gap() -> None:
        reader.note_gap()

    hearing = TransientSubscriptions(
        settings.rabbitmq_url,
        OWN,
        topology,
        {
            key_revoked.HEARS: hear_key,
            sign_in_revoked.HEARS: hear_sign_in,
            password_changed.HEARS: hear_password,
            member_joined.HEARS: hear_joined,
            role_changed.HEARS: hear_role,
            member_removed.HEARS: hear_removed,
        },
        reconnected=after_gap,
    )
    reader = WithdrawalReader(withdrawals, read, hearing.listening.is_set)
    return hearing, reader


def _limits(rates: RateSettings, counts: RedisCounts | None) -> Limits:
    return Limits(
        auth=Limit(Policy("auth", rates.auth, rates.auth_window_s), counts),
        anonymous=Limit(Policy("global", rates.anonymous, rates.anonymous_window_s), counts),
        standard=Limit(Policy("standard", rates.standard, rates.standard_window_s), counts),
        tenant=Limit(Policy("tenant", rates.tenant, rates.tenant_window_s), counts),
        expensive=Limit(Policy("expensive", rates.expensive, rates.expensive_window_s), counts),
    )


def _own_handlers(health: Health, joined: Joined) -> dict[str, OwnHandler]:
    def open_to_all(answer: Callable[[Request], Awaitable[Response]]) -> OwnHandler:
        async def handle(request: Request, _: Caller | None) -> Response:
            return await answer(request)

        return handle

    def of_caller(answer: Callable[[Caller], Awaitable[Response]]) -> OwnHandler:
        async def handle(_: Request, caller: Caller | None) -> Response:
            assert caller is not None
            return await answer(caller)

        return handle

    return {
        "/health": open_to_all(health.health),
        "/live": open_to_all(health.live),
        "/ready": open_to_all(health.ready),
        **{f"/health/{name}": open_to_all(health.one) for name in NAMES},
        "/health/circuit-breakers": of_caller(joined.circuit_breakers),
        "/api/v1/parked-events": of_caller(joined.parked_events),
    }
