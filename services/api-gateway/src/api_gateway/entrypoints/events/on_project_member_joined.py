"""Somebody joined a project: the token that they hold opens it from now on."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.project_member.joined_v1 import ProjectMemberJoinedV1

from api_gateway.memberships import MembershipChange, Memberships

HEARS = ProjectMemberJoinedV1
TRANSIENT = True


async def on_project_member_joined(events: Sequence[Event[ProjectMemberJoinedV1]], memberships: Memberships) -> None:
    """Go by it."""
    memberships.add(
        MembershipChange(
            each.data.revision, each.data.user_id, each.data.project_id, each.data.role, each.data.agent_id
        )
        for each in events
    )
