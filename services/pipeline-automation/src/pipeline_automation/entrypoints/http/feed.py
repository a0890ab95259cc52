"""The feed of events over HTTP: what happened, in one order, and from any place on; and which events there are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from kernel.errors import DomainError
from outbox.work import UnitOfWork, Works
from web.bodies import PathId
from web.caller import Caller, TheCaller
from web.paging import ListAnswer
from web.routes import Routes
from web.works import Work

from pipeline_automation.application.feed import Look, read_feed
from pipeline_automation.application.work import Work as FeedWork
from pipeline_automation.domain.feed import (
    Question,
    cursor_of,
    place_before_oldest,
    place_of,
    refuse_expired,
    start_of,
)
from pipeline_automation.entrypoints.http.feed_schemas import (
    EventAnswer,
    EventType,
    FeedQuery,
    Offers,
    event_answer,
    event_type,
    only_bills,
    types_of,
)

Grown = Callable[[str, int, float], Awaitable[int | None]]
"""Waits until a tenant has entries after a place, until that time of the loop's clock; returns the newest place, or None."""
SEES_BILLS = "billing.view"


def feed_routes(works: Works, work_of: Callable[[UnitOfWork], FeedWork], grown: Grown, offers: Offers) -> Routes:
    """Return the routes of the feed. `works` opens a transaction for each look: nobody who waits holds one."""
    routes = Routes("events")
    catalogue = [event_type(offer) for offer in offers.values()]

    @routes.get("/events", permission="analytics.view")
    async def list_events(
        query: Annotated[FeedQuery, Query()], caller: TheCaller, request: Request, response: Response
    ) -> ListAnswer[EventAnswer]:
        """List events, the oldest first, after a cursor; `wait` holds an empty answer until there is one."""
        question = _question(query, caller, offers, works)
        loop = asyncio.get_running_loop()
        until = loop.time() + query.wait

        async def look(question: Question) -> Look:
            async with works.begin([caller.tenant_id], caller.projects) as unit:
                return await work_of(unit).feed.look(question)

        async def newer(after: int) -> int | None:
            return await grown(caller.tenant_id, after, until) if loop.time() < until else None

        found = await read_feed(question, look, newer, works.clock)
        cursor = cursor_of(found.seen)
        kept = [pair for pair in request.query_params.multi_items() if pair[0] not in ("cursor", "after")]
        response.headers["Link"] = f'<{request.scope["path"]}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
        data = [event_answer(row) for row in found.rows]
        return ListAnswer[EventAnswer].model_construct(data=data, has_more=found.more, next_cursor=cursor)

    @routes.get("/events/types", permission="analytics.view")
    async def list_event_types(
        prefix: Annotated[str, Query(max_length=100, description="what its name begins with")] = "",
    ) -> ListAnswer[EventType]:
        """List the events that are offered, each with the schema of its body and an example."""
        data = [each for each in catalogue if each.type.startswith(prefix)]
        return ListAnswer[EventType].model_construct(data=data, has_more=False, next_cursor=None)

    @routes.get("/events/{event_id}", permission="analytics.view")
    async def get_event(event_id: PathId, work: Work, caller: TheCaller) -> EventAnswer:
        """Read one event, as long as the feed keeps it."""
        oldest = place_before_oldest(work.now)
        row = await work_of(work).feed.entry(caller.tenant_id, event_id, SEES_BILLS in caller.permissions, oldest)
        if row is None:
            refuse_expired(event_id, work.now)
            raise DomainError("not_found", "there is no such event in the feed")
        return event_answer(row)

    return routes


def _question(query: FeedQuery, caller: Caller, offers: Offers, works: Works) -> Question:
    """Return what the caller asks for. Raises what a refused query raises, not_found for a project that is not the caller's."""
    types, cursor, now = types_of(query.types, offers), query.starting(), works.clock()
    sees_bills = SEES_BILLS in caller.permissions
    if only_bills(types) and not sees_bills:
        raise DomainError("permission_denied", "you may not do this", required=SEES_BILLS)
    if query.project_id not in (None, caller.project_id):
        raise DomainError("not_found", "there is no such project")
    start = start_of(query.since, now)
    return Question(
        tenant_id=caller.tenant_id,
        after=start if cursor is None else max(start, place_of(cursor, now)),
        limit=query.limit,
        bills=sees_bills,
        types=types,
        project_id=query.project_id,
        subject=query.subject,
        contact_id=query.contact_id,
        session_id=query.session_id,
        chat_id=query.chat_id,
        channel_id=query.channel_id,
        correlation_id=query.correlation_id,
        since=query.since,
        until=query.until,
    )
