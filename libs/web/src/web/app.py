"""Putting an application together out of declared routes, and refusing to start with a route that declares nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from inspect import get_annotations
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from kernel.errors import DomainError
from outbox.work import Works
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send
from telemetry.logs import get_logger

from web.answering import Door, conventional_route, guarded, watching_version
from web.auditing import audited, leaving_entry
from web.caller import Requirement
from web.documents import describe_problems, documents_of
from web.exchange import exchange_of
from web.frame import RequestFrame
from web.health import Health
from web.internal_tokens import Tokens
from web.problems import problem_of
from web.routes import DeclaredRoute, Routes, UndeclaredRouteError
from web.short_way import short_way
from web.shown import shown_by

PREFIX = "/api/v1"
REFUSALS = (DomainError, RequestValidationError, ResponseValidationError, HTTPException)

log = get_logger(__name__)


class ServiceApp(FastAPI):
    """An application whose routes all say who may call them, by (method, path)."""

    requirements: dict[tuple[str, str], Requirement]
    door: Door
    short_ways: dict[tuple[str, str], ASGIApp]
    """What is answered past the framework, by method and path (short_way.py)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        way = self.short_ways.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if way is None:
            await super().__call__(scope, receive, send)
        else:
            await way(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if not self.openapi_schema:
            self.openapi_schema = documents_of(super().openapi())
        return self.openapi_schema


def create_app(
    *,
    service: str,
    version: str,
    routes: Sequence[Routes | BaseRoute],
    tokens: Tokens | None,
    works: Works | None = None,
    health: Health | None = None,
    docs: bool = False,
    sealing_key: bytes | None = None,
    timeout_s: float = 30.0,
) -> ServiceApp:
    """Return the application of one service.

    `tokens` tells who is asking (None: nobody ever signs in, so only public routes answer). `works` opens the units of
    work that routes ask for. `docs` serves /openapi.json. `sealing_key` (32 bytes) encrypts the kept answers of routes
    that show a secret.
    Raises UndeclaredRouteError for a route that does not say who may call it.
    """
    app = ServiceApp(
        title=service,
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # The frame makes the one span of a request; FastAPI's own would hold addresses with their values.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.requirements, app.short_ways = {}, {}
    app.door = Door(service, tokens, works, sealing_key)
    reads = [one for each in routes if isinstance(each, Routes) for one in each.declared if one.method == "GET"]
    for each in routes:
        if isinstance(each, Routes):
            _add_all(app, each.declared, service, reads)
        else:
            app.router.routes.append(each)
    if health is not None:
        _add_all(app, health.routes().declared, service)
    if docs:
        _add_all(app, _documents(app).declared, service)
    for kind in REFUSALS:
        app.add_exception_handler(kind, _tell_problem)
    app.add_middleware(RequestFrame, timeout_s=timeout_s)
    app.short_ways = {place: RequestFrame(way, timeout_s) for place, way in app.short_ways.items()}
    refuse_undeclared(app)
    return app


def refuse_undeclared(app: ServiceApp) -> None:
    """Raise UndeclaredRouteError unless every route of the finished application, mounted ones too, was declared."""
    for route in _all_routes(app.routes):
        path = str(getattr(route, "path", type(route).__name__))
        methods = getattr(route, "methods", None) or ("*",)
        for method in sorted(set(methods) - {"HEAD"}):
            if (method, path) not in app.requirements:
                raise UndeclaredRouteError(
                    f"{method} {path} declares no permission: say in its Routes who may call it, or permission='public'"
                )


def _all_routes(routes: Iterable[BaseRoute]) -> Iterable[BaseRoute]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from _all_routes(inner)
        else:
            yield route


def _add_all(
    app: ServiceApp, declared: Iterable[DeclaredRoute], service: str, reads: Sequence[DeclaredRoute] = ()
) -> None:
    for each in declared:
        _add(app, each, service, reads)


def _add(app: ServiceApp, declared: DeclaredRoute, service: str, reads: Sequence[DeclaredRoute]) -> None:
    path = declared.path if declared.root else PREFIX + declared.path
    if (declared.method, path) in app.requirements:
        raise UndeclaredRouteError(f"{declared.method} {path} is declared twice")
    app.requirements[declared.method, path] = declared.requirement
    if declared.plain:
        app.router.routes.append(Route(path, guarded(app.door, declared, path), methods=[declared.method]))
        return
    options = dict(declared.options)
    model = options.pop("response_model", _annotated_answer(declared.handler))
    if model is None and declared.status != 204 and "responses" not in options:
        options["response_class"] = Response  # without a body: no content type is documented
    extra = {"x-permission": declared.requirement.permission, "x-role": declared.requirement.role, "x-service": service}
    if declared.rate:
        extra["x-rate"] = declared.rate
    entry = None
    handler = watching_version(declared.handler)
    if declared.leaves_entry and app.door.works is not None:
        name, action = f"{declared.method} {declared.path}", declared.handler.__name__
        entry = audited(service, name, declared.object_type, shown_by(declared, reads), action)
        handler = leaving_entry(handler)
    route = conventional_route(app.door, declared, entry)(
        path,
        handler,
        methods=[declared.method],
        status_code=declared.status,
        tags=[declared.tag or service],
        operation_id=f"{service.replace('-', '_')}_{declared.handler.__name__}",
        include_in_schema=declared.in_documents,
        openapi_extra={**options.pop("openapi_extra", {}), **extra},
        responses={**describe_problems(), **options.pop("responses", {})},
        response_model=model,
        **options,
    )
    app.router.routes.append(route)
    if declared.together is not None:
        app.short_ways[declared.method, path] = short_way(route.answer, _tell_problem, REFUSALS)


def _annotated_answer(handler: Any) -> Any:
    answer = get_annotations(handler, eval_str=True).get("return")
    return None if isinstance(answer, type) and issubclass(answer, Response) else answer


async def _tell_problem(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.code == "method_not_allowed":
        allowed = sorted({method for method, route in request.app.requirements if _leads(request, route)})
        problem = replace(problem, headers={"Allow": ", ".join(allowed)})
    if problem.code == "internal_error":
        log.error("a request failed", exc_info=error, route=exchange_of(request.scope).route)
    return problem.response(exchange_of(request.scope), request.scope["path"])


def _leads(request: Request, path: str) -> bool:
    return compile_path(path)[0].match(request.scope["path"]) is not None


def _documents(app: ServiceApp) -> Routes:
    routes = Routes()

    @routes.plain("GET", "/openapi.json", permission="public", root=True)
    async def openapi(_: Request) -> Response:
        return JSONResponse(app.openapi())

    return routes
