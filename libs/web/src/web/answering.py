"""How a declared route answers, in this order: sign-in, permission, query, body, transaction, version."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from kernel.errors import DomainError, FieldError
from outbox.work import Works
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from web.auditing import Audited, Trail
from web.bodies import Answer
from web.caller import Requirement
from web.etags import put_etag
from web.exchange import Exchange, current_exchange, exchange_of
from web.idempotency import Idempotency
from web.internal_tokens import Tokens
from web.json_bodies import StrictRequest, refuse_other_types
from web.routes import DeclaredRoute, PlainHandler, UndeclaredRouteError
from web.short_way import Handler, with_parameters
from web.transactions import Transactions
from web.works import caller_scope, the_work


class Door:
    """What all routes of an application share: who signs in, where units of work come from, where answers are kept."""

    def __init__(self, service: str, tokens: Tokens | None, works: Works | None, sealing_key: bytes | None) -> None:
        self.service = service
        self.tokens = tokens
        self.works = works
        self.seals = sealing_key is not None
        self.transactions = None if works is None else Transactions(works, Idempotency(service, sealing_key))

    async def let_in(self, request: Request, requirement: Requirement) -> Exchange:
        """Find out who is asking and whether they may; return the exchange that knows."""
        exchange = exchange_of(request.scope)
        if self.tokens is not None:
            caller = None
            try:
                caller = await self.tokens.caller_of(request)
            except DomainError:
                if requirement.permission != "public":
                    raise
            if caller is not None:
                exchange.caller = caller
                exchange.request_id, exchange.correlation_id = caller.request_id, caller.correlation_id
                exchange.bind(
                    request_id=caller.request_id,
                    correlation_id=caller.correlation_id,
                    tenant_id=caller.tenant_id,
                    project_id=caller.project_id,
                    subject_kind=caller.subject_kind,
                    subject_id=caller.subject,
                )
        requirement.check(exchange.caller)
        return exchange


def guarded(door: Door, route: DeclaredRoute, path: str) -> PlainHandler:
    """Return the handler of a plain route, behind sign-in and permission."""

    async def handle(request: Request) -> Response:
        exchange_of(request.scope).route = path
        await door.let_in(request, route.requirement)
        answer = await route.handler(request)
        assert isinstance(answer, Response)
        return answer

    return functools.update_wrapper(handle, route.handler)


def watching_version(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the handler, which now leaves the version of a single object's answer in the exchange, for its ETag."""

    @functools.wraps(handler)
    async def handle(**arguments: Any) -> Any:
        answer = await handler(**arguments)
        exchange = current_exchange.get()
        if exchange is not None and isinstance(answer, Answer):
            version = getattr(answer, "version", None)
            exchange.version = version if isinstance(version, int) else None
        return answer

    return handle


class AnsweringRoute(APIRoute):
    """FastAPI's, which keeps at hand how it answers."""

    answer: Handler


def conventional_route(door: Door, declared: DeclaredRoute, audited: Audited | None) -> type[AnsweringRoute]:
    """Return the route class for one declared route: FastAPI's, with our conventions around its handler."""

    class ConventionalRoute(AnsweringRoute):
        def get_route_handler(self) -> Handler:
            self.answer = _answering(door, declared, audited, self, super().get_route_handler())
            return self.answer

    return ConventionalRoute


def _answering(
    door: Door, declared: DeclaredRoute, audited: Audited | None, route: APIRoute, inner: Handler
) -> Handler:
    query_fields = frozenset(name for each in _dependants(route.dependant) for name in _query_fields(each))
    takes_body = route.body_field is not None
    wants_work = any(each.call is the_work for each in _dependants(route.dependant))
    scope_of = declared.scope or (None if declared.requirement.permission == "public" else caller_scope)
    _check_possible(door, declared, wants_work, scope_of is not None)
    transactions = door.transactions
    shared = transactions.shared(declared.together, route.path_format) if transactions and declared.together else None
    if shared is not None:
        inner = with_parameters(declared.handler)

    async def answer(request: Request) -> Response:
        exchange = exchange_of(request.scope)
        exchange.route = route.path_format
        await door.let_in(request, declared.requirement)
        _refuse_unknown_query(request, query_fields)
        strict = StrictRequest(request.scope, request.receive)
        await _check_body(strict, takes_body)
        if audited is not None:
            exchange.trail = Trail(audited, exchange, strict)
        scope = None if scope_of is None else scope_of(strict)
        if transactions is None:
            response = await inner(strict)
        elif shared is not None and scope is not None:
            response = await transactions.run_shared(strict, exchange, inner, scope, shared)
        else:
            response = await transactions.run(
                strict, exchange, inner, scope, wants_work=wants_work, secret_answer=declared.secret_answer
            )
        return put_etag(strict, exchange, response)

    return answer


def _check_possible(door: Door, declared: DeclaredRoute, wants_work: bool, has_scope: bool) -> None:
    name = f"{declared.method} {declared.path}"
    if wants_work and door.works is None:
        raise UndeclaredRouteError(f"{name} asks for a unit of work, and the application was given no works")
    if wants_work and not has_scope:
        raise UndeclaredRouteError(f"{name} is public and asks for a unit of work: declare its scope")
    if declared.together is not None and (wants_work or not has_scope or declared.secret_answer or door.works is None):
        raise UndeclaredRouteError(
            f"{name} shares transactions: it takes no unit of work of its own, has a scope and no secrets"
        )
    if declared.secret_answer and not door.seals:
        raise UndeclaredRouteError(f"{name} answers a secret, and the application was given no sealing key")


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _dependants(each)


def _query_fields(dependant: Dependant) -> Iterator[str]:
    for each in dependant.query_params:
        model = each.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (info.alias or name for name, info in model.model_fields.items())
        else:
            yield each.alias


def _refuse_unknown_query(request: Request, known: frozenset[str]) -> None:
    if not request.scope["query_string"]:
        return
    fields = [
        FieldError(f"?{name[:100]}", "unknown_field", "there is no such field")
        for name in request.query_params
        if name not in known
    ]
    fields += [
        FieldError(f"?{name[:100]}", "bad_format", "text without NUL expected")
        for name, value in request.query_params.multi_items()
        if name in known and "\x00" in value
    ]
    if fields:
        raise DomainError("validation_failed", f"{len(fields)} query fields need attention", fields=tuple(fields))


async def _check_body(request: StrictRequest, takes_body: bool) -> None:
    if request.method in ("GET", "HEAD") or not await request.body():
        return
    refuse_other_types(request)
    value = await request.json()
    if takes_body or value == {}:
        return
    names = value if isinstance(value, dict) else ("",)
    fields = tuple(FieldError(f"/{name}"[:100], "unknown_field", "this route takes no body") for name in names)
    raise DomainError("validation_failed", "this route takes no body", fields=fields)
