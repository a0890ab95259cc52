"""The door: from a request to the service that answers it. In this order:

host, address of the route, rate by address, credential, rate by credential, project, permission; then on to the service.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from kernel.errors import DomainError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from web.caller import Caller
from web.client_addresses import ClientAddresses
from web.exchange import Exchange, exchange_of
from web.problems import Problem, problem_of

from api_gateway import synonyms
from api_gateway.authenticate import Authenticator, credential_of
from api_gateway.cors import answer_preflight, is_preflight
from api_gateway.documents import Page
from api_gateway.forward import Forwarder, is_webhook, response_of
from api_gateway.hosts import Hosts
from api_gateway.limits import Limits, Standing, headers_of, refuse
from api_gateway.operations import DocumentError, Operation
from api_gateway.principals import Principal
from api_gateway.projects import wanted_project
from api_gateway.routes import Match, Route, RoutingTable

OwnHandler = Callable[[Request, Caller | None], Awaitable[Response]]
MoreHeaders = list[tuple[bytes, bytes]]
UNLIMITED = ("/health", "/live", "/ready")


@dataclass(frozen=True)
class Gateway:
    """An ASGI application, to be put inside web.frame.RequestFrame. `pages` are what is served outside the document."""

    table: RoutingTable
    authenticator: Authenticator
    forwarder: Forwarder
    limits: Limits
    addresses: ClientAddresses
    hosts: Hosts
    own: Mapping[str, OwnHandler]
    pages: Mapping[str, Page]
    origins: Iterable[str] = ()

    def __post_init__(self) -> None:
        """Refuse a document that names own operations which nobody here answers."""
        for route in self.table.routes:
            if route.operation.is_own and route.operation.path not in self.own:
                raise DocumentError(
                    f"{route.operation.method} {route.path} is the gateway's, which has no answer to it"
                )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4004})
            return
        request = Request(scope, receive)
        exchange = exchange_of(scope)
        more: MoreHeaders = []
        try:
            response = await self._answer(request, exchange, more)
        except ClientDisconnect:
            response = Problem("request_timeout", "the request broke off").response(exchange, scope["path"])
        except DomainError as error:
            response = problem_of(error).response(exchange, scope["path"])
        response.raw_headers = [*response.raw_headers, *more]
        await response(scope, receive, send)

    async def _answer(self, request: Request, exchange: Exchange, more: MoreHeaders) -> Response:
        path = _raw_path(request)
        if path not in UNLIMITED:
            self.hosts.check(request)
        page = self.pages.get(path)
        if page is not None:
            return await self._page(page, request, exchange, path, more)
        match = self.table.find(path)
        if match is None:
            raise DomainError("not_found", "there is no such address")
        if is_preflight(request):
            return answer_preflight(request, self.origins, match.methods)
        route = match.methods.get(request.method)
        if route is None:
            more.append((b"allow", ", ".join(sorted(match.methods)).encode()))
            raise DomainError("method_not_allowed", "the address exists, but not with this method")
        exchange.route = route.operation.path
        return await self._let_in(request, exchange, match, route, more)

    async def _page(self, page: Page, request: Request, exchange: Exchange, path: str, more: MoreHeaders) -> Response:
        exchange.route = path
        if request.method != "GET":
            more.append((b"allow", b"GET"))
            raise DomainError("method_not_allowed", "the address exists, but not with this method")
        return await page(request)

    async def _let_in(
        self, request: Request, exchange: Exchange, match: Match, route: Route, more: MoreHeaders
    ) -> Response:
        peer = request.client.host if request.client else "unknown"
        operation, address = route.operation, self.addresses.of(peer, request.headers.getlist("x-forwarded-for"))
        target_path, query = _raw_path(request), _ascii(request.scope["query_string"])
        if is_webhook(operation):
            return await self._take_webhook(request, exchange, route, address, more)
        if route.synonym is not None:
            target_path, query = synonyms.canonical_target(route.synonym, match.parameters, query)
            more += synonyms.headers_of(target_path, query)
        target = f"{target_path}?{query}" if query else target_path
        if operation.path not in UNLIMITED and not operation.path.startswith("/health/"):
            self._count(await self.limits.before_sign_in(operation, address), more)
        principal = await self._principal(request, operation, address)
        if principal is not None:
            self._count(await self.limits.after_sign_in(operation, principal), more)
        body = await self.forwarder.body(request)
        caller = None if principal is None else self._caller(request, exchange, operation, match, principal, body)
        operation.requirement.check(caller)
        if operation.is_own:
            return await self.own[operation.path](request, caller)
        answer = await self.forwarder.forward(request, operation, target, body, caller, address)
        if answer.status == 200 and not _is_of(answer.body, route, match):
            raise DomainError("not_found", "there is nothing of that id here")
        return response_of(answer, exchange)

    async def _take_webhook(
        self, request: Request, exchange: Exchange, route: Route, address: str, more: MoreHeaders
    ) -> Response:
        # No limit here: the service counts by channel, and only it can tell one channel from another.
        answer = await self.forwarder.forward_webhook(request, route.operation, _raw_path(request), address)
        if route.synonym is not None and answer.status == 200:
            canonical = route.synonym.canonical.replace("{webhook_id}", str(json.loads(answer.body)["webhook_id"]))
            more += synonyms.headers_of(canonical, "")
        return response_of(answer, exchange)

    async def _principal(self, request: Request, operation: Operation, address: str) -> Principal | None:
        credential = credential_of(request.headers)
        if operation.requirement.permission == "public" and not (operation.may_sign_in and credential):
            return None
        if credential is None:
            raise DomainError("unauthenticated", "sign in first")
        try:
            return await self.authenticator.principal(credential)
        except DomainError as error:
            if error.code != "dependency_unavailable":
                await self.limits.after_failed_sign_in(address)
            raise

    def _caller(
        self,
        request: Request,
        exchange: Exchange,
        operation: Operation,
        match: Match,
        principal: Principal,
        body: bytes,
    ) -> Caller:
        caller = principal.caller(wanted_project(request, operation, match.parameters, body), exchange)
        exchange.caller = caller
        exchange.bind(
            tenant_id=caller.tenant_id,
            project_id=caller.project_id,
            subject_kind=caller.subject_kind,
            subject_id=caller.subject,
        )
        return caller

    def _count(self, standings: Iterable[Standing], more: MoreHeaders) -> None:
        counted = list(standings)
        more += headers_of(counted)
        refuse(counted)


def _raw_path(request: Request) -> str:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    return _ascii(bytes(raw).partition(b"?")[0])


def _ascii(raw: bytes) -> str:
    """Return what goes into a request line, bytes that do not belong there encoded."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in raw)


def _is_of(body: bytes, route: Route, match: Match) -> bool:
    """Tell whether what was found belongs where the older address looked for it."""
    if route.synonym is None or route.synonym.must_match is None:
        return True
    name, parameter = route.synonym.must_match
    return bool(json.loads(body).get(name) == match.parameters[parameter])
