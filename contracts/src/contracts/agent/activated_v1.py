"""agent.activated.v1: an agent attends conversations again."""

from typing import ClassVar

from contracts.fields import Wire


class AgentActivatedV1(Wire, kw_only=True):
    """It may be given conversations from now on."""

    TYPE: ClassVar[str] = "agent.activated.v1"
    PUBLIC: ClassVar[str | None] = "agents"

    agent_id: str
