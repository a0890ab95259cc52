"""Somebody is in a project no more: the token that they hold opens it no longer."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.project_member.removed_v1 import ProjectMemberRemovedV1

from api_gateway.memberships import MembershipChange, Memberships

HEARS = ProjectMemberRemovedV1
TRANSIENT = True


async def on_project_member_removed(events: Sequence[Event[ProjectMemberRemovedV1]], memberships: Memberships) -> None:
    """Close the project to them. Whoever was only invited has no token."""
    memberships.add(
        MembershipChange(each.data.revision, each.data.user_id, each.data.project_id, None)
        for each in events
        if each.data.user_id is not None
    )
