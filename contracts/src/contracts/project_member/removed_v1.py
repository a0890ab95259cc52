"""project_member.removed.v1: somebody is in a project no more."""

from typing import ClassVar

from contracts.fields import Wire


class ProjectMemberRemovedV1(Wire, kw_only=True):
    """Every gateway closes the project to them within seconds. Without `user_id`: an invitation was taken back.

    `revision` grows with each change of the project's members.
    """

    TYPE: ClassVar[str] = "project_member.removed.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    member_id: str
    project_id: str
    revision: int
    role: str
    removed_by: str
    user_id: str | None = None
    agent_id: str | None = None
