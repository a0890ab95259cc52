"""agent.status_changed.v1: an agent came, went, or has other things to do."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Wire, open_enum


class AgentStatusChangedV1(Wire, kw_only=True):
    """Somebody said so: it is never derived from a connection. `changed_by` is a user. What is attended stays attended."""

    TYPE: ClassVar[str] = "agent.status_changed.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
    old: str
    new: Annotated[str, Meta(extra_json_schema=open_enum("available", "busy", "away", "offline"))]
    changed_by: str
