"""Sessions over HTTP: list, read, close."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Query
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import Id, PathId, Time
from web.caller import TheCaller, TheProject
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from session.application.close_session import close_session as close
from session.application.work import Work as SessionWork
from session.domain.closing import END_REASONS
from session.entrypoints.http.schemas import Close, SessionAnswer, session_answer

WorkOf = Callable[[UnitOfWork], SessionWork]
OneId = Annotated[Id | None, Query()]
When = Annotated[Time | None, Query()]
YesOrNo = Annotated[bool | None, Query()]
Number = Annotated[int | None, Query(ge=0, le=2_147_483_647)]


def session_routes(work_of: WorkOf, sessions: Listing) -> Routes:
    """Return the routes of sessions; `sessions` is the list that people may ask for."""
    routes = Routes("sessions")
    _declare_list(routes, sessions)

    @routes.get("/crm/sessions/{session_id}", permission="sessions.view")
    async def get_session(session_id: PathId, work: Work, caller: TheCaller) -> SessionAnswer:
        """Read one session."""
        return session_answer(await work_of(work).sessions.get(caller.tenant_id, session_id))

    @routes.post("/crm/sessions/{session_id}/close", permission="sessions.manage")
    async def close_session(session_id: PathId, body: Close, work: Work, caller: TheCaller) -> SessionAnswer:
        """End an open session; `resolved` also marks it so."""
        row = await close(session_id, body.reason, body.notes, caller.cause, work_of(work))
        return session_answer(row)

    return routes


def _declare_list(routes: Routes, sessions: Listing) -> None:
    @routes.get("/crm/sessions", permission="sessions.view")
    async def list_sessions(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(sessions, sort="-started_at")],
        contact_id: OneId = None,
        channel_id: OneId = None,
        chat_id: OneId = None,
        pipeline_id: OneId = None,
        status: Annotated[list[str] | None, Query(), AnyOf("active", "ended", "expired", "manually_closed")] = None,
        end_reason: Annotated[list[str] | None, Query(), AnyOf(*END_REASONS)] = None,
        resolved: YesOrNo = None,
        escalated: YesOrNo = None,
        started_after: When = None,
        started_before: When = None,
        ended_after: When = None,
        ended_before: When = None,
        last_activity_after: When = None,
        last_activity_before: When = None,
        min_messages: Number = None,
        max_messages: Number = None,
        min_waiting_seconds: Number = None,
    ) -> ListAnswer[SessionAnswer]:
        """List sessions, the latest first. `expired` ended by themselves, `manually_closed` were ended by people."""
        only_active = status == ["active"]
        wanted = {
            "contact_id": contact_id,
            "channel_id": channel_id,
            "chat_id": chat_id,
            "pipeline_id": pipeline_id,
            "only_active": only_active or None,
            "status": None if only_active else status,
            "end_reason": end_reason,
            "resolved": resolved,
            "escalated": escalated,
            "started_after": started_after,
            "started_before": started_before,
            "ended_after": ended_after,
            "ended_before": ended_before,
            "last_activity_after": last_activity_after,
            "last_activity_before": last_activity_before,
            "min_messages": min_messages,
            "max_messages": max_messages,
            "min_waiting_seconds": min_waiting_seconds,
        }
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=session_answer)
