"""agent.deleted.v1: an agent is gone."""

from typing import ClassVar

from contracts.fields import Wire


class AgentDeletedV1(Wire, kw_only=True):
    """What it attends goes back to routing."""

    TYPE: ClassVar[str] = "agent.deleted.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
