"""What the use cases of projects, their members and their agents work with."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from identity.domain.account import User
from identity.domain.agent import Agent
from identity.domain.membership import Invitation, Member, Others, Seat, Turn
from identity.domain.project import KnownChannel, Project


class Members(Protocol):
    """Who works in a project, who was asked to, and the agents that they are."""

    async def take_turn(self, tenant_id: str, project_id: str) -> Turn:
        """Let nobody else change a project's members until the end of the transaction; raise not_found."""

    async def shown(self, tenant_id: str, project_id: str, member_id: str) -> Any:
        """Return a member, or somebody invited, as they are shown; raise not_found."""

    async def member(self, tenant_id: str, project_id: str, member_id: str) -> Member | None:
        """Return somebody who has joined."""

    async def member_of_user(self, tenant_id: str, project_id: str, user_id: str) -> Member | None:
        """Return what a user is in a project, if they have joined."""

    async def all_of(self, tenant_id: str, project_id: str) -> Sequence[Member]:
        """Return everybody who has joined."""

    async def open_invitations(self, tenant_id: str, project_id: str) -> Sequence[tuple[str, str]]:
        """Return id and role of each invitation that nobody has accepted or taken back."""

    async def others(self, tenant_id: str, project_id: str, user_id: str) -> Others:
        """Return who else there is."""

    async def present(self, tenant_id: str, project_id: str, email: str, now: datetime) -> str | None:
        """Return the id of whoever is a member or invited with that address."""

    async def count_invitations(self, tenant_id: str, since: datetime) -> int:
        """Return how many were invited since, whatever became of that."""

    async def invite(self, invitation: Invitation) -> None:
        """Store an invitation in the place of one that has expired."""

    async def invitation(self, tenant_id: str, invitation_id: str) -> Invitation | None:
        """Return an invitation that nobody has accepted or taken back; it may have expired."""

    async def end_invitation(self, tenant_id: str, invitation_id: str, state: str) -> bool:
        """Make an invitation `accepted` or `revoked`; tell whether it was open."""

    async def join(self, invitation: Invitation, user_id: str, now: datetime) -> None:
        """Make whoever accepted a member."""

    async def begin(self, tenant_id: str, member_id: str, project_id: str, user_id: str, now: datetime) -> None:
        """Make whoever made a project its first admin."""

    async def set_role(self, tenant_id: str, member_id: str, role: str) -> None:
        """Give a member another role."""

    async def leave(self, tenant_id: str, member_id: str) -> None:
        """Make somebody a member no more."""

    async def note_change(
        self,
        tenant_id: str,
        change_id: str,
        turn: Turn,
        user_id: str,
        role: str | None,
        agent_id: str | None,
        now: datetime,
    ) -> None:
        """Remember, for gateways that start, what tokens in hand say wrongly; None for `role`: no member any more."""

    async def agent_of(self, user: User, project_id: str, new_id: str) -> Seat:
        """Return the agent that a person is in a project, made or woken where it has to be."""

    async def rest_agent(self, tenant_id: str, project_id: str, user_id: str) -> str | None:
        """Let a person's agent attend nothing any more; return its id where there was one."""


class Agents(Protocol):
    """Whoever and whatever attends conversations of a project. Those of the system are shown, and no rows."""

    async def shown(self, tenant_id: str, project_id: str, agent_id: str) -> Any:
        """Return an agent's row, also of a system one; raise not_found."""

    async def lock(self, tenant_id: str, project_id: str, agent_id: str) -> Agent:
        """Return an agent, locked until the end of the transaction; raise not_found."""

    async def add(self, agent: Agent) -> None:
        """Store a new agent; raise already_exists where its person has one in the project."""

    async def keep(self, agent: Agent) -> None:
        """Store what an agent is now, as its next version; raise already_exists where its person has another in the project."""

    async def keep_status(self, agent: Agent, now: datetime) -> None:
        """Store an agent's status, as its next version, and when it came."""

    async def delete(self, agent: Agent, now: datetime) -> None:
        """Delete an agent; its row stays for what others have of it."""

    async def assignable(self, tenant_id: str, project_id: str, agents: Collection[str]) -> Collection[str]:
        """Return which of these are agents of a project that conversations may be given to, active or not."""


class Projects(Protocol):
    """Workspaces, and which channels work in them."""

    async def tenant_defaults(self, tenant_id: str) -> Mapping[str, str]:
        """Return timezone, country and language of a tenant; nobody else makes a project of it until the end of the transaction."""

    async def count(self, tenant_id: str) -> int:
        """Return how many projects a tenant has."""

    async def shown(self, tenant_id: str, project_id: str) -> Any:
        """Return a project's row; raise not_found."""

    async def lock(self, tenant_id: str, project_id: str) -> Project:
        """Return a project, locked until the end of the transaction as for its members; raise not_found."""

    async def add(self, project: Project) -> None:
        """Store a new project."""

    async def keep(self, project: Project) -> None:
        """Store what a project is now, as its next version."""

    async def delete(self, tenant_id: str, project_id: str, now: datetime) -> None:
        """Delete a project; its row stays for what others have of it."""

    async def working_channels(self, tenant_id: str, project_id: str) -> int:
        """Return how many channels work in a project, as far as we heard."""

    async def keep_channels(self, channels: Sequence[KnownChannel]) -> None:
        """Store whether channels work, unless something newer is known."""

    async def drop_channels(self, channels: Sequence[KnownChannel]) -> None:
        """Note that channels are gone."""
