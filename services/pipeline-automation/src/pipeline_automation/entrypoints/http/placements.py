"""Where contacts stand, over HTTP: read, move one or many, take out, look back."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from kernel.errors import DomainError
from kernel.failures import Failure
from outbox.work import Works
from postgres.database import LOST
from postgres.failures import classify
from postgres.listing import Listing
from web.auditing import TheTrail, Trail
from web.bodies import Id, PathId, Time
from web.caller import Caller, TheCaller
from web.paging import ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from pipeline_automation.application.move_placements import move_placements
from pipeline_automation.application.reading import ReadingOf
from pipeline_automation.application.take_out_contacts import take_out_contact
from pipeline_automation.domain.placement import Move, Outcome
from pipeline_automation.entrypoints.http.pipelines import WorkOf
from pipeline_automation.entrypoints.http.placement_schemas import (
    HistoryEntry,
    MoveAnswer,
    Moves,
    MovesAnswer,
    PlacementAnswer,
    PlacementChange,
    Reason,
    card,
    move_answer,
    moved_item,
)

OneId = Annotated[Id | None, Query()]
When = Annotated[Time | None, Query()]

PATIENCE_S, LOOK_EVERY_S = 2.0, 0.1
"""A contact that was entered a moment ago may be on its way to us: how long we wait for it."""


@dataclass(frozen=True)
class Boards:
    """The lists that people may ask for."""

    board: Listing
    standing: Listing
    history: Listing


def placement_routes(works: Works, work_of: WorkOf, reading_of: ReadingOf, lists: Boards) -> Routes:
    """Return the routes of placements. `works` opens a transaction for each look at a contact that is waited for."""
    routes = Routes("placements")

    async def move_once(contact_id: str, body: PlacementChange, caller: Caller, trail: Trail) -> Outcome | None:
        async with works.begin([caller.tenant_id], caller.projects) as unit:
            work = work_of(unit)
            project_id = await work.contacts.project_of(caller.tenant_id, contact_id)
            if project_id is None:
                return None
            move = Move(
                tenant_id=caller.tenant_id,
                project_id=project_id,
                contact_id=contact_id,
                pipeline_id=body.pipeline_id,
                status_id=body.status_id,
                actor=caller.cause.actor,
                because=caller.cause,
                reason=body.reason,
                notes=body.notes,
                lost_reason=body.lost_reason,
                value=body.value(),
            )
            (outcome,) = await move_placements([move], work)
            if outcome.after is not None:
                before = outcome.before.status.id if outcome.before else None
                trail.changed("status_id", before, outcome.after.status.id)
                await trail.tell(unit)
            return outcome

    @routes.patch("/crm/contacts/{contact_id}/pipeline-status", permission="contacts.manage", object_type="contact")
    async def move_contact(contact_id: PathId, body: PlacementChange, caller: TheCaller, trail: TheTrail) -> MoveAnswer:
        """Move a contact to a status of a pipeline, or place it there for the first time."""
        body.value()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while True:
            try:
                outcome = await move_once(contact_id, body, caller, trail)
                if outcome is not None and outcome.result != "unknown":
                    return move_answer(outcome)
                refusal = DomainError("not_found", "there is no such contact")
            except LOST as error:
                if classify(error) is not Failure.CONFLICT:
                    raise
                refusal = DomainError("conflict", "somebody else is changing it")
            if loop.time() >= deadline:
                raise refusal
            await asyncio.sleep(LOOK_EVERY_S)

    @routes.get("/crm/contacts/{contact_id}/pipeline-status", permission="contacts.view")
    async def list_placements(
        contact_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(lists.standing, sort="-entered_at")],
        pipeline_id: OneId = None,
    ) -> ListAnswer[PlacementAnswer]:
        """List where a contact stands."""
        await reading_of(work).refuse_unknown_contact(caller.tenant_id, contact_id)
        wanted = {"pipeline_id": pipeline_id}
        return await page.answer(work.connection, caller.tenant_id, contact_id, wanted=wanted, item=PlacementAnswer.of)

    @routes.delete("/crm/contacts/{contact_id}/pipeline-status", permission="contacts.manage", object_type="contact")
    async def take_out(
        contact_id: PathId,
        work: Work,
        caller: TheCaller,
        trail: TheTrail,
        pipeline_id: Annotated[Id, Query()],
        reason: Annotated[Reason | None, Query()] = None,
    ) -> None:
        """Take a contact out of a pipeline; its history stays."""
        await take_out_contact(contact_id, pipeline_id, reason, caller.cause, work_of(work))
        trail.changed("pipeline_id", pipeline_id, None)

    @routes.get("/crm/contacts/{contact_id}/pipeline-history", permission="contacts.view")
    async def list_history(
        contact_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(lists.history, sort="-changed_at")],
        pipeline_id: OneId = None,
    ) -> ListAnswer[HistoryEntry]:
        """List the moves of a contact."""
        await reading_of(work).refuse_unknown_contact(caller.tenant_id, contact_id)
        wanted = {"pipeline_id": pipeline_id}
        return await page.answer(work.connection, caller.tenant_id, contact_id, wanted=wanted, item=HistoryEntry.of)

    @routes.get("/crm/pipelines/{pipeline_id}/contacts", permission="pipelines.view")
    async def list_board(
        pipeline_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(lists.board, sort="-entered_at")],
        status_id: OneId = None,
        entered_after: When = None,
        entered_before: When = None,
    ) -> ListAnswer[PlacementAnswer]:
        """List the contacts in a pipeline."""
        await reading_of(work).project_of(caller.tenant_id, pipeline_id)
        wanted = {"status_id": status_id, "entered_after": entered_after, "entered_before": entered_before}
        return await page.answer(work.connection, caller.tenant_id, pipeline_id, wanted=wanted, item=card)

    @routes.post("/crm/pipelines/{pipeline_id}/contacts/move", permission="contacts.manage", object_type="pipeline")
    async def move_contacts(
        pipeline_id: PathId, body: Moves, work: Work, caller: TheCaller, trail: TheTrail
    ) -> MovesAnswer:
        """Move many contacts to one status; each has its own outcome."""
        project_id = await reading_of(work).project_of(caller.tenant_id, pipeline_id)
        moves = [
            Move(
                tenant_id=caller.tenant_id,
                project_id=project_id,
                contact_id=contact_id,
                pipeline_id=pipeline_id,
                status_id=body.status_id,
                actor=caller.cause.actor,
                because=caller.cause,
                reason=body.reason,
            )
            for contact_id in body.contact_ids
        ]
        outcomes = await move_placements(moves, work_of(work))
        trail.changed("contact_ids", None, [each.move.contact_id for each in outcomes if each.after is not None])
        trail.changed("status_id", None, body.status_id)
        return MovesAnswer(data=[moved_item(each) for each in outcomes])

    return routes
