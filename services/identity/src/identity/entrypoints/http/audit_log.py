"""The audit log over HTTP: read by those who manage settings, changed by nobody."""

import json
from typing import Annotated, Any

from fastapi import Query
from postgres.listing import Listing
from web.bodies import Answer, Id, Time
from web.caller import TheCaller
from web.paging import ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

Word = Annotated[str | None, Query(max_length=100)]


class ActorAnswer(Answer):
    """Who it was. A system has no id where nobody had signed in."""

    kind: str
    id: Id | None
    name: str | None


class AuditEntryAnswer(Answer):
    """One write. `changes` holds `{from, to}` by the names that fields have in the API; a long value is cut and ends in `…`."""

    id: Id
    tenant_id: Id
    project_id: Id | None
    created_at: Time
    source: str
    actor: ActorAnswer
    action: str
    object_type: str
    object_id: str | None
    changes: dict[str, dict[str, Any]]
    ip: str | None
    user_agent: str | None
    request_id: Id
    correlation_id: Id


def audit_log_routes(entries: Listing) -> Routes:
    """Return the route of the audit log; `entries` is the list that people may ask for."""
    routes = Routes("audit log")

    @routes.get("/crm/audit-log", permission="settings.manage")
    async def list_audit_log(
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(entries, sort="-created_at")],
        actor_id: Annotated[Id | None, Query()] = None,
        action: Word = None,
        object_type: Word = None,
        object_id: Word = None,
        created_after: Annotated[Time | None, Query()] = None,
        created_before: Annotated[Time | None, Query()] = None,
    ) -> ListAnswer[AuditEntryAnswer]:
        """List who wrote what, newest first: of the caller's project, and of the tenant as a whole."""
        wanted = {
            "actor_id": actor_id,
            "action": action,
            "object_type": object_type,
            "object_id": object_id,
            "created_after": created_after,
            "created_before": created_before,
        }
        return await page.answer(work.connection, caller.tenant_id, wanted=wanted, item=_answer)

    return routes


def _answer(row: Any) -> AuditEntryAnswer:
    actor = ActorAnswer(kind=row["actor_kind"], id=_text(row["actor_id"]), name=row["actor_name"])
    return AuditEntryAnswer.of(row, actor=actor, changes=json.loads(row["changes"]))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
