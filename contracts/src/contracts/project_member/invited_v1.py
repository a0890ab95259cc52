"""project_member.invited.v1: somebody was asked to join a project."""

from typing import ClassVar

from contracts.fields import Moment, PersonalText, Wire


class ProjectMemberInvitedV1(Wire, kw_only=True):
    """`invitation_id` is the id of the member that they become. The token is in the mail and nowhere else."""

    TYPE: ClassVar[str] = "project_member.invited.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    invitation_id: str
    project_id: str
    email: PersonalText
    role: str
    invited_by: str
    expires_at: Moment
