"""project_member.role_changed.v1: a person may do something else in a project than before."""

from typing import ClassVar

from contracts.fields import Wire


class ProjectMemberRoleChangedV1(Wire, kw_only=True):
    """Every gateway goes by the new role within seconds. `agent_id` is the agent that they are there from now on: where that alone is
    another, the roles are the same.

    `revision` grows with each change of the project's members.
    """

    TYPE: ClassVar[str] = "project_member.role_changed.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    member_id: str
    project_id: str
    revision: int
    user_id: str
    old_role: str
    new_role: str
    changed_by: str
    agent_id: str | None = None
