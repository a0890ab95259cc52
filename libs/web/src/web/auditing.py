"""The audit log: each request that writes says who wrote what from where, in the transaction of what it wrote.

identity hears it and keeps the one log. What changed is what the API shows of the object before and after (shown.py), of that the fields
on a closed list. A request that is refused writes nothing and leaves nothing; a failed sign-in is written, and leaves its entry.

Handlers with a unit of work have nothing to do for it. Those that open their transactions themselves say where:

    async def change_channel(channel_id: PathId, body: ChannelChange, caller: TheCaller, trail: TheTrail) -> ChannelAnswer:
        async with works.begin([caller.tenant_id], caller.projects) as work, trail.around(work): ...
"""

import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from contracts.audit.recorded_v1 import AuditRecordedV1
from contracts.envelope import first_event
from fastapi import Depends, Request
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from starlette.responses import Response
from telemetry.tracing import current_traceparent

from web.bodies import Answer
from web.caller import client_address
from web.exchange import Exchange, current_exchange, exchange_of
from web.routes import UndeclaredRouteError
from web.shown import Shown
from web.works import NOBODY

MOST_VALUE_CHARACTERS = 2000
MOST_CHARACTERS = 40_000
"""Of all values of an entry together, as JSON: an event has 256 KiB, and a character at most four bytes."""
CUT = "…"


@dataclass(frozen=True)
class Audited:
    """What is known of a writing route before anybody calls it."""

    service: str
    action: str
    object_type: str
    shown: Shown | None


class Trail:
    """What one request leaves in the audit log."""

    def __init__(self, route: Audited, exchange: Exchange, request: Request) -> None:
        caller = exchange.caller
        self._route = route
        self._exchange = exchange
        self._ip = client_address(request)
        self._user_agent = request.headers.get("user-agent", "")[:200] or None
        # Here, since what is written together is written in nobody's trace.
        self._traceparent = current_traceparent()
        self._tenant_id = caller.tenant_id if caller else NOBODY
        self._project_id = caller.project_id if caller else None
        self._actor = (caller.subject_kind, caller.subject) if caller else ("system", None)
        self._begin({})

    def _begin(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self._object_id: str | None = None
        self._before: dict[str, Any] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        self.told = False

    def about(self, object_id: str) -> None:
        """Name the object, where neither path nor answer does."""
        self._object_id = object_id

    def by_user(self, tenant_id: str, user_id: str) -> None:
        """Name who it was, where nobody had signed in yet."""
        self._tenant_id, self._actor = tenant_id, ("user", user_id)

    def of_tenant(self, tenant_id: str) -> None:
        """Name whose log it belongs into, where nobody has proven who they are."""
        self._tenant_id = tenant_id

    def of_whole_tenant(self) -> None:
        """Put it in no project's log: every admin of the tenant reads it."""
        self._project_id = None

    def changed(self, field: str, before: Any, after: Any) -> None:
        """Tell of a change that no route shows. The values are JSON's, never a secret and never the text of a message."""
        self._changes[field] = {"from": before, "to": after}

    @asynccontextmanager
    async def around(self, work: UnitOfWork) -> AsyncIterator[None]:
        """Tell of what is written inside."""
        await self.look(work)
        yield
        await self.tell(work)

    async def look(self, work: UnitOfWork) -> None:
        """Read the object as it is before."""
        self._before = await self._read(work)

    async def tell(self, work: UnitOfWork, answer: Any = None) -> None:
        """Say it. `answer` is the handler's: where it shows the object, that is not read again."""
        shown = self._route.shown
        if self._object_id is None:
            self._object_id = self._object_of(answer)
        if shown is not None:
            known = isinstance(answer, shown.answer)
            after = shown.fields_of(answer) if known else await self._read(work)
            self._changes = {**_differences(self._before, after), **self._changes}
        self.say(work)

    def say(self, work: UnitOfWork, suffix: str = "") -> None:
        """Say what is known by now, without reading anything; `suffix` makes another action of it."""
        kind, actor_id = self._actor
        data = AuditRecordedV1(
            actor_kind=kind,
            actor_id=actor_id,
            action=self._route.action + suffix,
            object_type=self._route.object_type,
            object_id=self._object_id,
            changes=_short(self._changes),
            ip=self._ip,
            user_agent=self._user_agent,
            request_id=self._exchange.request_id,
        )
        work.say(
            first_event(
                data,
                id=work.new_id(),
                source=self._route.service,
                subject=self._tenant_id,
                time=work.now,
                tenant_id=self._tenant_id,
                project_id=self._project_id,
                partition_key=self._tenant_id,
                correlation_id=self._exchange.correlation_id,
                actor=f"{kind}:{actor_id or self._route.service}",
                traceparent=self._traceparent,
            )
        )
        self.told = True

    def _object_of(self, answer: Any) -> str | None:
        shown = self._route.shown
        names = [shown.key] if shown is not None and shown.key is not None else []
        names.append(f"{self._route.object_type}_id")
        places = [self._arguments.get(name) for name in names]
        if isinstance(answer, Answer):
            places += [getattr(answer, name, None) for name in (*names, "id")]
        return next((each for each in places if isinstance(each, str)), None)

    async def _read(self, work: UnitOfWork) -> dict[str, Any]:
        """Return the object's fields; none where there is no such object, as before it is made and after it is gone."""
        shown, caller = self._route.shown, self._exchange.caller
        if shown is None or caller is None:
            return {}
        found = {name: self._arguments[name] for name in shown.by_path if name in self._arguments}
        if shown.key is not None and self._object_id is not None:
            found[shown.key] = self._object_id
        if set(found) != set(shown.by_path):
            return {}
        found |= {name: find(work, caller) for name, find in shown.found.items()}
        try:
            answer = await shown.read(**found)
        except DomainError as refusal:
            if refusal.code != "not_found":
                raise
            return {}
        return shown.fields_of(answer)


def leaving_entry(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the handler of a writing route, which now leaves its entry in the transaction of what it writes."""

    @functools.wraps(handler)
    async def handle(**arguments: Any) -> Any:
        exchange = current_exchange.get()
        assert exchange is not None and exchange.trail is not None
        trail, work = exchange.trail, exchange.work
        trail._begin(arguments)
        if work is not None:
            await trail.look(work)
        answer = await handler(**arguments)
        if not trail.told and not (isinstance(answer, Response) and answer.status_code >= 400):
            assert work is not None, f"{exchange.route} opens its own transaction and leaves no entry in the audit log"
            await trail.tell(work, answer)
        return answer

    return handle


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }


def _short(changes: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the changes with what is long cut, and without the values of what comes after too much."""
    left = MOST_CHARACTERS
    short: dict[str, dict[str, Any]] = {}
    for field, values in changes.items():
        short[field] = {}
        for side, value in values.items():
            text = json.dumps(value, ensure_ascii=False)
            room = min(left, MOST_VALUE_CHARACTERS)
            short[field][side] = value if len(text) <= room else text[:room] + CUT
            left -= min(len(text), room)
    return short


async def the_trail(request: Request) -> Trail:
    """Return what the request leaves in the audit log. A dependency for routes that write."""
    trail = exchange_of(request.scope).trail
    assert trail is not None, "the route is declared as one that writes"
    return trail


TheTrail = Annotated[Trail, Depends(the_trail)]


def audited(service: str, name: str, object_type: str | None, shown: Shown | None, action: str) -> Audited:
    """Return what is known of a writing route; raise UndeclaredRouteError for one that does not say what it writes."""
    kind = object_type or (shown.object_type if shown is not None else None)
    if kind is None:
        raise UndeclaredRouteError(
            f"{name} writes, and no route shows what: declare its object_type, or writes=False if it writes nothing"
        )
    return Audited(service, action, kind, shown)
