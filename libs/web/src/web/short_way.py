"""A short way to a handler: past the framework's layers, its search for the route and its solving of dependencies.

For routes that share transactions (sharing.py), whose own part of a request is small: there the framework costs as much as all the rest.
The frame, sign-in, permission, what is asked of query and body, and the answers to what is refused are the same as on the usual way.
"""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import get_annotations
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from web.routes import UndeclaredRouteError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Tell = Callable[[Request, Exception], Awaitable[Response]]


def short_way(answer: Handler, tell: Tell, refusals: tuple[type[Exception], ...]) -> ASGIApp:
    """Return an ASGI application that is one route, to be put into the frame; `tell` answers `refusals`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await answer(request)
        except refusals as error:
            response = await tell(request, error)
        await response(scope, receive, send)

    return app


def with_parameters(handler: Callable[..., Awaitable[Any]]) -> Handler:
    """Return the handler with its parameters found: one body, and dependencies that are functions of the request.

    Raises UndeclaredRouteError for any other parameter.
    """
    bodies: list[tuple[str, TypeAdapter[Any]]] = []
    found: dict[str, Callable[[Request], Awaitable[Any]]] = {}
    for name, hint in get_annotations(handler, eval_str=True).items():
        depends = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Depends)]
        if depends and depends[0].dependency is not None:
            found[name] = depends[0].dependency
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            bodies.append((name, TypeAdapter(hint)))
        elif name != "return":
            raise UndeclaredRouteError(f"{handler.__name__} has a parameter {name} that the short way cannot find")
    if len(bodies) != 1:
        raise UndeclaredRouteError(f"{handler.__name__} takes one body")
    (body_name, body_type) = bodies[0]

    async def handle(request: Request) -> Response:
        arguments = {name: await find(request) for name, find in found.items()}
        if not await request.body():
            raise RequestValidationError(
                [{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}]
            )
        arguments[body_name] = _validated(body_type, await request.json())
        answer = await handler(**arguments)
        assert isinstance(answer, Response)
        return answer

    return handle


def _validated(body_type: TypeAdapter[Any], value: Any) -> Any:
    try:
        return body_type.validate_python(value, from_attributes=True)  # as FastAPI does
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(errors) from None
