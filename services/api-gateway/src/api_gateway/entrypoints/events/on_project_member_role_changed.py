"""A member has another role: the token that they hold says the old one."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.project_member.role_changed_v1 import ProjectMemberRoleChangedV1

from api_gateway.memberships import MembershipChange, Memberships

HEARS = ProjectMemberRoleChangedV1
TRANSIENT = True


async def on_project_member_role_changed(
    events: Sequence[Event[ProjectMemberRoleChangedV1]], memberships: Memberships
) -> None:
    """Go by the new one."""
    memberships.add(
        MembershipChange(
            each.data.revision, each.data.user_id, each.data.project_id, each.data.new_role, each.data.agent_id
        )
        for each in events
    )
