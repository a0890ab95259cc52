"""Routes that say who may call them.

    routes = Routes(tag="contacts")

    @routes.post("/crm/contacts", permission="contacts.manage", status=201)
    async def create_contact(body: NewContact, work: Work, caller: TheCaller) -> ContactAnswer: ...

A permission is one of 23 codes or a marker (public, self, owner, operator); `role="supervisor"` asks for at least that.
`rate="expensive"` counts a route in that class of the gateway's limits instead of the usual ones.
Paths stand under /api/v1 (app.py puts it there), except those given with `root=True`.

Every POST, PATCH, PUT and DELETE leaves an entry in the audit log (auditing.py). Where its path does not lead to a route that shows what
it writes, it is declared with the `object_type`, or with `writes=False` if it writes nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from web.caller import Requirement
from web.permissions import MARKERS, PERMISSIONS, RANKS
from web.sharing import ActTogether
from web.works import ScopeOf

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
PlainHandler = Callable[[Request], Awaitable[Response]]

RATES = ("", "expensive")
"""Classes of rates that a route may be of (api.md 1.10); "" is the usual one. The gateway reads them in the document."""


class UndeclaredRouteError(ValueError):
    """A route that does not say, or says wrongly, who may call it. The service does not start."""


@dataclass(frozen=True)
class DeclaredRoute:
    """One route as it was written down; app.py makes it part of an application."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    requirement: Requirement
    status: int = 200
    tag: str = ""
    plain: bool = False
    root: bool = False
    scope: ScopeOf | None = None
    secret_answer: bool = False
    together: ActTogether | None = None
    in_documents: bool = True
    writes: bool = True
    object_type: str | None = None
    shown_by: Callable[..., Awaitable[Any]] | None = None
    rate: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def leaves_entry(self) -> bool:
        """Tell whether the audit log hears of it. A plain route is a stranger's door or a document."""
        return self.method not in ("GET", "HEAD") and self.writes and not self.plain


class Routes:
    """The routes of one part of a service."""

    def __init__(self, tag: str = "", prefix: str = "") -> None:
        self._tag = tag
        self._prefix = prefix
        self.declared: list[DeclaredRoute] = []

    def get(
        self, path: str, *, permission: str | None = None, role: str | None = None, **more: Any
    ) -> Callable[[F], F]:
        """Declare a read."""
        return self._declare("GET", path, permission, role, more)

    def post(
        self, path: str, *, permission: str | None = None, role: str | None = None, **more: Any
    ) -> Callable[[F], F]:
        """Declare a POST. `status=201` where it creates, `scope` where public, `secret_answer` where it shows a key.

        `together` where requests that come at the same time share a transaction (sharing.py).
        """
        return self._declare("POST", path, permission, role, more)

    def patch(
        self, path: str, *, permission: str | None = None, role: str | None = None, **more: Any
    ) -> Callable[[F], F]:
        """Declare a partial change. PUT on the same path is its synonym unless `put=False`."""
        with_put = more.pop("put", True)
        declare_patch = self._declare("PATCH", path, permission, role, dict(more))
        if not with_put:
            return declare_patch
        declare_put = self._declare("PUT", path, permission, role, {**more, "in_documents": False})
        return lambda handler: declare_put(declare_patch(handler))

    def put(
        self, path: str, *, permission: str | None = None, role: str | None = None, **more: Any
    ) -> Callable[[F], F]:
        """Declare a PUT that is not a synonym of PATCH."""
        return self._declare("PUT", path, permission, role, more)

    def delete(
        self, path: str, *, permission: str | None = None, role: str | None = None, **more: Any
    ) -> Callable[[F], F]:
        """Declare a deletion; it answers 204 unless `status` says otherwise."""
        return self._declare("DELETE", path, permission, role, {"status": 204, **more})

    def plain(
        self, method: str, path: str, *, permission: str | None = None, role: str | None = None, **more: Any
    ) -> Callable[[PlainHandler], PlainHandler]:
        """Declare a route that gets the bare request and makes its own answer: the webhook door, documents, streams.

        Nothing is read or parsed for it; sign-in and permission hold as everywhere.
        """
        return self._declare(method, path, permission, role, {**more, "plain": True})

    def _declare(
        self, method: str, path: str, permission: str | None, role: str | None, more: dict[str, Any]
    ) -> Callable[[F], F]:
        requirement = requirement_of(f"{method} {self._prefix}{path}", permission, role)
        if more.get("rate", "") not in RATES:
            raise UndeclaredRouteError(
                f"{method} {self._prefix}{path} declares the rate {more['rate']!r}, which does not exist"
            )
        known = {name: more.pop(name) for name in tuple(more) if name in DeclaredRoute.__dataclass_fields__}

        def declare(handler: F) -> F:
            self.declared.append(
                DeclaredRoute(method, self._prefix + path, handler, requirement, tag=self._tag, options=more, **known)
            )
            return handler

        return declare


def requirement_of(route: str, permission: str | None, role: str | None) -> Requirement:
    """Return what a route asks of its caller; raise UndeclaredRouteError where it does not say so properly."""
    if permission is None:
        raise UndeclaredRouteError(f"{route} declares no permission: say who may call it, or permission='public'")
    if permission not in PERMISSIONS and permission not in MARKERS:
        raise UndeclaredRouteError(f"{route} declares {permission!r}, which is neither a permission nor a marker")
    if role is not None and role not in RANKS:
        raise UndeclaredRouteError(f"{route} asks for the role {role!r}, which does not exist")
    return Requirement(permission, role)
