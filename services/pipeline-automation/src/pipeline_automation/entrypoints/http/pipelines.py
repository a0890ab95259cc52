"""Pipelines over HTTP: list, search, create, read, change, delete, and what happened in them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import Query, Response
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import PathId, Time
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from pipeline_automation.application.change_pipeline import change_pipeline as change
from pipeline_automation.application.create_pipeline import create_pipeline as create
from pipeline_automation.application.delete_pipeline import delete_pipeline as delete
from pipeline_automation.application.reading import ReadingOf
from pipeline_automation.application.work import Work as PipelineWork
from pipeline_automation.domain.pipeline import name_key
from pipeline_automation.entrypoints.http.pipeline_schemas import (
    FoundPipeline,
    NewPipeline,
    PipelineAnswer,
    PipelineChange,
    PipelineStats,
    found_pipeline,
    listed_pipeline,
    pipeline_answer,
    stats_answer,
)

WorkOf = Callable[[UnitOfWork], PipelineWork]

STATS_SPAN = timedelta(days=30)
"""How far back numbers go where nobody says."""


def pipeline_routes(work_of: WorkOf, reading_of: ReadingOf, pipelines: Listing, found: Listing) -> Routes:
    """Return the routes of pipelines; `pipelines` is the list that people may ask for, `found` what searches answer."""
    routes = Routes("pipelines")

    @routes.get("/crm/pipelines", permission="pipelines.view")
    async def list_pipelines(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(pipelines, sort="position", include=("statuses",))],
        active: Annotated[bool | None, Query()] = None,
        name: Annotated[str | None, Query(max_length=255)] = None,
        color: Annotated[list[str] | None, Query(), AnyOf()] = None,
    ) -> ListAnswer[PipelineAnswer]:
        """List pipelines in their order."""
        wanted = {
            "active": active,
            "name": name and name_key(name),
            "color": color and [each.upper() for each in color],
        }
        item = partial(listed_pipeline, with_statuses="statuses" in page.include)
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=item)

    @routes.post("/crm/pipelines", permission="pipelines.manage", status=201)
    async def create_pipeline(
        body: NewPipeline, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> PipelineAnswer:
        """Make a pipeline, with one status of each type unless some are given."""
        given = body.given()
        given.pop("project_id", None)
        given.pop("statuses", None)
        statuses = None if body.statuses is None else [each.given() for each in body.statuses]
        pipeline_id = await create(given, statuses, project_id, caller.cause, work_of(work))
        response.headers["Location"] = f"/api/v1/crm/pipelines/{pipeline_id}"
        return pipeline_answer(await reading_of(work).pipeline(caller.tenant_id, pipeline_id))

    @routes.get("/crm/pipelines/search", permission="pipelines.view")
    async def search_pipelines(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(found, sort="-relevance")],
        q: Annotated[str, Query(min_length=2, max_length=200)],
    ) -> ListAnswer[FoundPipeline]:
        """Search pipelines by name and description."""
        return await page.answer(work.connection, caller.tenant_id, project_id, name_key(q), item=found_pipeline)

    @routes.get("/crm/pipelines/{pipeline_id}", permission="pipelines.view")
    async def get_pipeline(pipeline_id: PathId, work: Work, caller: TheCaller) -> PipelineAnswer:
        """Read one pipeline with its statuses."""
        return pipeline_answer(await reading_of(work).pipeline(caller.tenant_id, pipeline_id))

    @routes.patch("/crm/pipelines/{pipeline_id}", permission="pipelines.manage")
    async def change_pipeline(
        pipeline_id: PathId, body: PipelineChange, work: Work, caller: TheCaller, expected: IfMatch
    ) -> PipelineAnswer:
        """Change some fields of a pipeline."""
        await change(pipeline_id, body.given(), caller.cause, partial(check_version, expected), work_of(work))
        return pipeline_answer(await reading_of(work).pipeline(caller.tenant_id, pipeline_id))

    @routes.delete("/crm/pipelines/{pipeline_id}", permission="pipelines.manage", role="admin")
    async def delete_pipeline(pipeline_id: PathId, work: Work, caller: TheCaller, expected: IfMatch) -> None:
        """Delete a pipeline that no contact, channel or rule uses."""
        await delete(pipeline_id, caller.cause, partial(check_version, expected), work_of(work))

    @routes.get("/crm/pipelines/{pipeline_id}/stats", permission="analytics.view")
    async def get_pipeline_stats(
        pipeline_id: PathId,
        work: Work,
        caller: TheCaller,
        since: Annotated[Time | None, Query(alias="from")] = None,
        until: Annotated[Time | None, Query(alias="to")] = None,
    ) -> PipelineStats:
        """Count what happened in a pipeline, in the last 30 days unless said otherwise."""
        reading = reading_of(work)
        await reading.project_of(caller.tenant_id, pipeline_id)
        to = until or datetime.now(UTC)
        return stats_answer(list(await reading.stats(caller.tenant_id, pipeline_id, since or to - STATS_SPAN, to)))

    return routes
