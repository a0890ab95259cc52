"""What pipelines and statuses look like over HTTP."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from web.bodies import Answer, Body, Id, Time

from pipeline_automation.application.reading import Row
from pipeline_automation.domain.pipeline import COLOR, MOST_STATUSES

PipelineName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
StatusName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, Field(max_length=2000)]
Color = Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$"), AfterValidator(str.upper)]
Position = Annotated[int, Field(ge=0, le=1_000_000)]
Minutes = Annotated[int, Field(ge=1, le=1440)]
StatusType = Annotated[
    Literal["open", "active", "won", "lost", "closed"],
    AfterValidator(lambda given: "lost" if given == "closed" else given),
]


class StatusFields(Body):
    """A status of a pipeline that is being made."""

    name: StatusName
    description: Description | None = None
    color: Color = COLOR
    status_type: StatusType


class NewStatus(StatusFields):
    """A status to be added."""

    position: Position | None = None


class StatusChange(Body):
    """A partial change: absent means unchanged. The defaults stand for fields that cannot be cleared; they are never used."""

    name: StatusName = ""
    description: Description | None = None
    color: Color = COLOR
    status_type: StatusType = "open"
    position: Position = 0
    active: bool = True


class NewPipeline(Body):
    """A pipeline to be made."""

    name: PipelineName
    description: Description | None = None
    color: Color = COLOR
    position: Position | None = None
    session_timeout_minutes: Minutes | None = None
    enable_ai_summary: bool = False
    statuses: Annotated[list[StatusFields], Field(min_length=1, max_length=MOST_STATUSES)] | None = None
    project_id: Id | None = None


class PipelineChange(Body):
    """A partial change: absent means unchanged. The defaults stand for fields that cannot be cleared; they are never used."""

    name: PipelineName = ""
    description: Description | None = None
    color: Color = COLOR
    position: Position = 0
    session_timeout_minutes: Minutes | None = None
    enable_ai_summary: bool = False
    active: bool = True


class StatusOrder(Body):
    """All statuses of a pipeline, each once, in the order wanted."""

    status_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_STATUSES)]


class StatusAnswer(Answer):
    """A status of a pipeline."""

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    pipeline_id: Id
    name: str
    description: str | None
    color: str
    status_type: str
    position: int
    active: bool
    contact_count: int


class PipelineAnswer(Answer):
    """A pipeline. `statuses` is null in lists that were not asked to include them."""

    audited = (
        "name", "description", "color", "position", "active", "is_default", "session_timeout_minutes", "enable_ai_summary", "statuses",
    )  # fmt: skip

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    name: str
    description: str | None
    color: str
    position: int
    active: bool
    is_default: bool
    session_timeout_minutes: int | None
    enable_ai_summary: bool
    lead_qualification: dict[str, Any] | None = None
    contact_count: int
    statuses: list[StatusAnswer] | None


class FoundPipeline(PipelineAnswer):
    """A pipeline that answers a search, and why."""

    match_score: float
    match_field: str


class StatusStats(Answer):
    """What happened in a status in a span of time. `count` stand there now."""

    status_id: Id
    name: str
    count: int
    average_seconds: float | None
    entered: int
    left: int
    conversion_rate: float | None


class PipelineStats(Answer):
    """What happened in a pipeline in a span of time."""

    statuses: list[StatusStats]
    won: int
    lost: int


def pipeline_answer(row: Row) -> PipelineAnswer:
    """Return the answer for a row, with its statuses."""
    return PipelineAnswer.of({**row, "statuses": statuses_of(row)})


def listed_pipeline(row: Row, *, with_statuses: bool) -> PipelineAnswer:
    """Return the item of a list."""
    return PipelineAnswer.of({**row, "statuses": statuses_of(row) if with_statuses else None})


def found_pipeline(row: Row) -> FoundPipeline:
    """Return the item of a search."""
    return FoundPipeline.of({**row, "statuses": None})


def statuses_of(row: Row) -> list[StatusAnswer]:
    """Return the statuses in a row."""
    return [StatusAnswer.of(each) for each in json.loads(row["statuses"])]


def stats_answer(rows: list[Row]) -> PipelineStats:
    """Return the numbers of a pipeline; the rate is the share of those who left that went on to a later or a won status."""
    statuses = [
        StatusStats.of(row, conversion_rate=round(row["went_on"] / row["left"], 4) if row["left"] else None)
        for row in rows
    ]
    entered = {kind: sum(row["entered"] for row in rows if row["status_type"] == kind) for kind in ("won", "lost")}
    return PipelineStats(statuses=statuses, won=entered["won"], lost=entered["lost"])
