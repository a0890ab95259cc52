"""A stage, as the snapshot of its pipeline carries it."""

from typing import Annotated

from msgspec import Meta

from contracts.fields import Wire, open_enum


class PipelineStatus(Wire, kw_only=True):
    """`position` counts from 0."""

    status_id: str
    name: str
    status_type: Annotated[str, Meta(extra_json_schema=open_enum("open", "active", "won", "lost"))]
    color: str
    position: int
    active: bool = True
