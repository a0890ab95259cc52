"""agent.deactivated.v1: an agent attends no conversations any more."""

from typing import ClassVar

from contracts.fields import Wire


class AgentDeactivatedV1(Wire, kw_only=True):
    """What it attends goes back to routing. Its status is offline from then on."""

    TYPE: ClassVar[str] = "agent.deactivated.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
