"""The statuses of a pipeline over HTTP: add, change, order, remove."""

from functools import partial
from typing import Annotated

from fastapi import Query, Response
from web.bodies import Id, PathId
from web.caller import TheCaller
from web.etags import IfMatch, check_version
from web.routes import Routes
from web.works import Work

from pipeline_automation.application.add_status import add_status as add
from pipeline_automation.application.change_status import change_status as change
from pipeline_automation.application.order_statuses import order_statuses as order
from pipeline_automation.application.reading import ReadingOf
from pipeline_automation.application.remove_status import remove_status as remove
from pipeline_automation.entrypoints.http.pipeline_schemas import (
    NewStatus,
    PipelineAnswer,
    StatusAnswer,
    StatusChange,
    StatusOrder,
    pipeline_answer,
)
from pipeline_automation.entrypoints.http.pipelines import WorkOf


def status_routes(work_of: WorkOf, reading_of: ReadingOf) -> Routes:
    """Return the routes of statuses."""
    routes = Routes("pipelines", prefix="/crm/pipelines/{pipeline_id}/statuses")

    @routes.post("", permission="pipelines.manage", status=201)
    async def add_status(
        pipeline_id: PathId, body: NewStatus, work: Work, caller: TheCaller, response: Response
    ) -> StatusAnswer:
        """Add a status, at the end unless a position is given."""
        status_id = await add(pipeline_id, body.given(), caller.cause, work_of(work))
        response.headers["Location"] = f"/api/v1/crm/pipelines/{pipeline_id}/statuses/{status_id}"
        return StatusAnswer.of(await reading_of(work).status(caller.tenant_id, pipeline_id, status_id))

    @routes.put("/order", permission="pipelines.manage")
    async def order_statuses(
        pipeline_id: PathId, body: StatusOrder, work: Work, caller: TheCaller, expected: IfMatch
    ) -> PipelineAnswer:
        """Put all statuses in an order."""
        await order(pipeline_id, body.status_ids, caller.cause, partial(check_version, expected), work_of(work))
        return pipeline_answer(await reading_of(work).pipeline(caller.tenant_id, pipeline_id))

    @routes.patch("/{status_id}", permission="pipelines.manage")
    async def change_status(
        pipeline_id: PathId,
        status_id: PathId,
        body: StatusChange,
        work: Work,
        caller: TheCaller,
        expected: IfMatch,
    ) -> StatusAnswer:
        """Change some fields of a status."""
        expect = partial(check_version, expected)
        await change(pipeline_id, status_id, body.given(), caller.cause, expect, work_of(work))
        return StatusAnswer.of(await reading_of(work).status(caller.tenant_id, pipeline_id, status_id))

    @routes.delete("/{status_id}", permission="pipelines.manage", role="admin")
    async def remove_status(
        pipeline_id: PathId,
        status_id: PathId,
        work: Work,
        caller: TheCaller,
        expected: IfMatch,
        move_to_status_id: Annotated[Id | None, Query()] = None,
    ) -> None:
        """Remove a status; the contacts that stand in it move to another one first."""
        expect = partial(check_version, expected)
        await remove(pipeline_id, status_id, move_to_status_id, caller.cause, expect, work_of(work))

    return routes
