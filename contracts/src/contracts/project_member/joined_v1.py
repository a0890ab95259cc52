"""project_member.joined.v1: a person works in a project from now on."""

from typing import ClassVar

from contracts.fields import Wire


class ProjectMemberJoinedV1(Wire, kw_only=True):
    """`agent_id` is the agent that they are there, where they are one. `revision` grows with each change of the project's members."""

    TYPE: ClassVar[str] = "project_member.joined.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    member_id: str
    project_id: str
    revision: int
    user_id: str
    role: str
    agent_id: str | None = None
