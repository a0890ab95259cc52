"""Ready-made routes over a service's parked events: list, read, redrive, discard.

At the service they stand under `/api/v1/parked-events/<its own name>`, so that the gateway only routes.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Protocol

from fastapi import Query
from outbox.work import UnitOfWork
from postgres.database import Connection
from postgres.listing import Listing
from pydantic import Field

from web.auditing import TheTrail
from web.bodies import Answer, Body, Id, PathId, Time
from web.caller import TheCaller
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

REASONS = (
    "unknown_version",
    "invalid",
    "rule",
    "poison",
    "untranslatable",
    "undecodable",
    "dead_lettered",
    "too_late",
)
STATUSES = ("parked", "redriven", "discarded")

Row = Mapping[str, Any]


class ParkedEvents(Protocol):
    """The store, outbox.parked.ParkedEvents. Rows carry the fields of ParkedEventAnswer and `event`, the bytes."""

    service: str
    listing: Listing

    def get(self, connection: Connection, tenant_id: str, parked_id: str) -> Awaitable[Any]:
        """Return one; raise not_found."""

    def count_waiting(self, connection: Connection, tenant_id: str) -> Awaitable[Any]:
        """Return `count` and `oldest_parked_at` of what waits."""

    def redrive(
        self, tenant_id: str, parked_id: str, projects: Sequence[str] | None, also: Callable[[UnitOfWork], None]
    ) -> Awaitable[Any]:
        """Apply one again in a transaction of its own, in which `also` says something; raise invalid_state or rule_violated."""

    def discard(self, work: UnitOfWork, tenant_id: str, parked_id: str, *, by: str, reason: str) -> Awaitable[Any]:
        """Decide that one will never be applied; raise invalid_state."""


class ParkedEventAnswer(Answer):
    """One parked event, as lists show it."""

    audited = ("status", "consumer", "event_id", "event_type", "discard_reason")

    id: Id
    tenant_id: Id | None
    project_id: Id | None
    service: str
    consumer: str
    event_id: Id
    event_type: str | None
    event_version: int | None
    subject: str | None
    reason: str
    delivery_id: Id | None
    error: str
    attempts: int
    first_failed_at: Time
    parked_at: Time
    status: str
    redriven_at: Time | None
    discarded_at: Time | None
    discarded_by: str | None
    discard_reason: str | None
    traceparent: str | None


class ParkedEventWithEvent(ParkedEventAnswer):
    """One parked event with what was parked: the event, or `{"base64": …}` where it is no JSON."""

    event: Any


class WaitingAnswer(Answer):
    """How many wait in one service."""

    service: str
    count: int
    oldest_parked_at: Time | None


class Discard(Body):
    """Why a parked event will never be applied."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def parked_event_routes(parked: ParkedEvents) -> Routes:
    """Return the routes for one service's parked events."""
    service = parked.service
    routes = Routes("parked events", prefix=f"/parked-events/{service}")
    several = {"reason": "reason = any({})", "status": "status = any({})"}
    listing = replace(parked.listing, filters={**parked.listing.filters, **several})

    def answer_of(row: Row) -> ParkedEventAnswer:
        return ParkedEventAnswer.of(row, service=service)

    @routes.get("", permission="settings.manage")
    async def list_parked_events(
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(listing, sort="-parked_at")],
        type: Annotated[str | None, Query(max_length=200)] = None,
        reason: Annotated[list[str] | None, Query(), AnyOf(*REASONS)] = None,
        subject: Annotated[str | None, Query(max_length=200)] = None,
        consumer: Annotated[str | None, Query(max_length=200)] = None,
        delivery_id: Annotated[Id | None, Query()] = None,
        parked_after: Annotated[Time | None, Query()] = None,
        parked_before: Annotated[Time | None, Query()] = None,
        status: Annotated[list[str] | None, Query(), AnyOf(*STATUSES)] = None,
    ) -> ListAnswer[ParkedEventAnswer]:
        wanted = {
            "type": type,
            "reason": reason,
            "subject": subject,
            "consumer": consumer,
            "delivery_id": delivery_id,
            "parked_after": parked_after,
            "parked_before": parked_before,
            "status": status,
        }
        return await page.answer(work.connection, caller.tenant_id, wanted=wanted, item=answer_of)

    @routes.get("/waiting", permission="settings.manage", in_documents=False)
    async def count_waiting_parked_events(work: Work, caller: TheCaller) -> WaitingAnswer:
        return WaitingAnswer.of(await parked.count_waiting(work.connection, caller.tenant_id), service=service)

    @routes.get("/{parked_event_id}", permission="settings.manage")
    async def get_parked_event(parked_event_id: PathId, work: Work, caller: TheCaller) -> ParkedEventWithEvent:
        row = await parked.get(work.connection, caller.tenant_id, parked_event_id)
        return ParkedEventWithEvent.of(row, service=service, event=_readable(row["event"]))

    @routes.post("/{parked_event_id}/redrive", permission="settings.manage")
    async def redrive_parked_event(parked_event_id: PathId, caller: TheCaller, trail: TheTrail) -> ParkedEventAnswer:
        trail.about(parked_event_id)
        trail.changed("status", "parked", "redriven")
        # It commits by itself, effects and new state together.
        return answer_of(await parked.redrive(caller.tenant_id, parked_event_id, caller.projects, trail.say))

    @routes.post("/{parked_event_id}/discard", permission="settings.manage")
    async def discard_parked_event(
        parked_event_id: PathId, body: Discard, work: Work, caller: TheCaller
    ) -> ParkedEventAnswer:
        row = await parked.discard(work, caller.tenant_id, parked_event_id, by=caller.subject, reason=body.reason)
        return answer_of(row)

    return routes


def _readable(event: bytes) -> Any:
    try:
        return json.loads(event)
    except (ValueError, RecursionError):
        return {"base64": base64.b64encode(event).decode()}
