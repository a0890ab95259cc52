"""What identity says: the only file that builds its contract events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.agent.activated_v1 import AgentActivatedV1
from contracts.agent.created_v1 import AgentCreatedV1
from contracts.agent.deactivated_v1 import AgentDeactivatedV1
from contracts.agent.deleted_v1 import AgentDeletedV1
from contracts.agent.status_changed_v1 import AgentStatusChangedV1
from contracts.agent.updated_v1 import AgentUpdatedV1
from contracts.envelope import Payload, asked_event
from contracts.identity.api_key_created_v1 import IdentityApiKeyCreatedV1
from contracts.identity.api_key_revoked_v1 import IdentityApiKeyRevokedV1
from contracts.identity.password_changed_v1 import IdentityPasswordChangedV1
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1
from contracts.identity.project_updated_v1 import IdentityProjectUpdatedV1
from contracts.identity.sign_in_revoked_v1 import IdentitySignInRevokedV1
from contracts.identity.tenant_created_v1 import IdentityTenantCreatedV1
from contracts.identity.user_registered_v1 import IdentityUserRegisteredV1
from contracts.identity.user_updated_v1 import IdentityUserUpdatedV1
from contracts.project_member.invited_v1 import ProjectMemberInvitedV1
from contracts.project_member.joined_v1 import ProjectMemberJoinedV1
from contracts.project_member.removed_v1 import ProjectMemberRemovedV1
from contracts.project_member.role_changed_v1 import ProjectMemberRoleChangedV1
from kernel.cause import Cause

from identity.domain.account import SESSION_TIMEOUT_MINUTES, NewAccount, User
from identity.domain.agent import Agent, agent_of_person
from identity.domain.membership import Invitation, Member, Turn
from identity.domain.project import Project

SOURCE = "identity"
Row = Mapping[str, Any]


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    def account_opened(self, account: NewAccount, by: Cause) -> None:
        """Somebody registered: a tenant, a user, a project and an agent exist."""
        tenant = IdentityTenantCreatedV1(
            tenant_id=account.tenant_id,
            name=account.company,
            slug=account.slug,
            owner_user_id=account.user_id,
            owner_email=account.email,
            country=account.country,
            timezone=account.timezone,
            language=account.language,
            version=1,
        )
        user = IdentityUserRegisteredV1(user_id=account.user_id, name=account.name, email=account.email)
        project = IdentityProjectCreatedV1(
            project_id=account.project_id,
            name=account.project_name,
            is_default=True,
            timezone=account.timezone,
            country=account.country,
            language=account.language,
            session_timeout_minutes=SESSION_TIMEOUT_MINUTES,
            default_pipeline_id=account.pipeline_id,
            owner_user_id=account.user_id,
            version=1,
        )
        whose = (account.tenant_id, account.user_id, account.name, account.email, account.language)
        self._begin(tenant, account.tenant_id, None, by)
        self._begin(user, account.user_id, None, by)
        self._begin(project, account.project_id, account.project_id, by)
        self.agent_created(agent_of_person(account.agent_id, account.project_id, *whose), by)

    def api_key_created(self, row: Row, by: Cause) -> None:
        """An API key was issued."""
        self._begin(IdentityApiKeyCreatedV1(**_key(row)), str(row["id"]), _text(row["project_id"]), by)

    def api_key_revoked(self, row: Row, by: Cause) -> None:
        """An API key is no longer valid."""
        self._begin(IdentityApiKeyRevokedV1(**_key(row)), str(row["id"]), _text(row["project_id"]), by)

    def sign_in_revoked(self, user_id: str, sign_in_id: str, by: Cause) -> None:
        """A sign-in ended before its time."""
        self._begin(IdentitySignInRevokedV1(user_id=user_id, all=False, sign_in_id=sign_in_id), user_id, None, by)

    def all_sign_ins_revoked(self, user_id: str, by: Cause) -> None:
        """All sign-ins that a user has at this moment ended; later ones are good."""
        self._begin(IdentitySignInRevokedV1(user_id=user_id, all=True), user_id, None, by)

    def password_changed(self, user_id: str, kept_sign_in_id: str | None, by: Cause) -> None:
        """A password is another one; sign-ins ended, but the kept one."""
        data = IdentityPasswordChangedV1(user_id=user_id, all=kept_sign_in_id is None, sign_in_id=kept_sign_in_id)
        self._begin(data, user_id, None, by)

    def user_updated(self, user_id: str, changed: Sequence[str], by: Cause) -> None:
        """What a person says of themselves changed."""
        self._begin(IdentityUserUpdatedV1(user_id=user_id, changed=tuple(changed)), user_id, None, by)

    def project_created(self, project: Project, by: Cause) -> None:
        """Another project exists."""
        self._begin(IdentityProjectCreatedV1(**_project(project), version=1), project.id, project.id, by)

    def project_updated(self, project: Project, version: int, changed: Sequence[str], by: Cause) -> None:
        """Settings of a project are others."""
        data = IdentityProjectUpdatedV1(**_project(project), version=version, changed=tuple(changed))
        self._begin(data, project.id, project.id, by)

    def project_active(self, project_id: str, active: bool, version: int, by: Cause) -> None:
        """A project rests, or goes on."""
        said = IdentityProjectActivatedV1 if active else IdentityProjectDeactivatedV1
        self._begin(said(project_id=project_id, version=version), project_id, project_id, by)

    def project_deleted(self, project_id: str, version: int, by: Cause) -> None:
        """A project is gone."""
        self._begin(IdentityProjectDeletedV1(project_id=project_id, version=version), project_id, project_id, by)

    def user_registered(self, user: User, by: Cause) -> None:
        """Somebody new has an account, in a tenant that there was."""
        data = IdentityUserRegisteredV1(user_id=user.id, name=user.name, email=user.email)
        self._begin(data, user.id, None, by)

    def member_invited(self, invitation: Invitation, by: Cause) -> None:
        """Somebody was asked to join a project."""
        one = invitation
        data = ProjectMemberInvitedV1(
            invitation_id=one.id,
            project_id=one.project_id,
            email=one.email,
            role=one.role,
            invited_by=one.invited_by,
            expires_at=one.expires_at,
        )
        self._begin(data, one.id, one.project_id, by)

    def member_joined(
        self, member_id: str, turn: Turn, user_id: str, role: str, agent_id: str | None, by: Cause
    ) -> None:
        """Somebody works in a project from now on."""
        data = ProjectMemberJoinedV1(
            member_id=member_id,
            project_id=turn.project_id,
            revision=turn.revision,
            user_id=user_id,
            role=role,
            agent_id=agent_id,
        )
        self._begin(data, member_id, turn.project_id, by)

    def role_changed(
        self, member: Member, role: str, turn: Turn, changed_by: str, agent_id: str | None, by: Cause
    ) -> None:
        """A member may do something else than before, or is another agent."""
        data = ProjectMemberRoleChangedV1(
            member_id=member.id,
            project_id=turn.project_id,
            revision=turn.revision,
            user_id=member.user_id,
            old_role=member.role,
            new_role=role,
            changed_by=changed_by,
            agent_id=agent_id,
        )
        self._begin(data, member.id, turn.project_id, by)

    def member_removed(
        self,
        member_id: str,
        turn: Turn,
        role: str,
        user_id: str | None,
        agent_id: str | None,
        removed_by: str,
        by: Cause,
    ) -> None:
        """Somebody is in a project no more, or will not be."""
        data = ProjectMemberRemovedV1(
            member_id=member_id,
            project_id=turn.project_id,
            revision=turn.revision,
            role=role,
            removed_by=removed_by,
            user_id=user_id,
            agent_id=agent_id,
        )
        self._begin(data, member_id, turn.project_id, by)

    def agent_created(self, agent: Agent, by: Cause) -> None:
        """Somebody or something attends conversations of a project, or stands for somebody who did."""
        self._begin(AgentCreatedV1(**_agent(agent), version=1), agent.id, agent.project_id, by)

    def agent_updated(self, agent: Agent, version: int, changed: Sequence[str], by: Cause) -> None:
        """Something else is said of an agent."""
        data = AgentUpdatedV1(**_agent(agent), version=version, changed=tuple(changed))
        self._begin(data, agent.id, agent.project_id, by)

    def agent_status_changed(self, agent: Agent, old: str, changed_by: str, by: Cause) -> None:
        """An agent is there, busy or away."""
        data = AgentStatusChangedV1(agent_id=agent.id, old=old, new=agent.status, changed_by=changed_by)
        self._begin(data, agent.id, agent.project_id, by)

    def agent_deleted(self, agent_id: str, project_id: str, by: Cause) -> None:
        """An agent is gone."""
        self._begin(AgentDeletedV1(agent_id=agent_id), agent_id, project_id, by)

    def agent_activated(self, agent_id: str, project_id: str, by: Cause) -> None:
        """An agent attends conversations again."""
        self._begin(AgentActivatedV1(agent_id=agent_id), agent_id, project_id, by)

    def agent_deactivated(self, agent_id: str, project_id: str, by: Cause) -> None:
        """An agent attends nothing any more."""
        self._begin(AgentDeactivatedV1(agent_id=agent_id), agent_id, project_id, by)

    def _begin(self, data: Payload, subject: str, project_id: str | None, by: Cause) -> None:
        self._say(
            asked_event(
                by,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=subject,
                time=self._now,
                project_id=project_id,
                partition_key=subject,
            )
        )


def _agent(agent: Agent) -> dict[str, Any]:
    return {
        "agent_id": agent.id,
        "project_id": agent.project_id,
        "type": agent.type,
        "role": agent.role,
        "name": agent.name,
        "status": agent.status,
        "active": agent.active,
        "max_sessions": agent.max_sessions,
        "user_id": agent.user_id,
        "email": agent.email,
        "skills": tuple(agent.skills),
        "languages": tuple(agent.languages),
        "permissions": tuple(sorted(agent.permissions)),
    }


def _project(project: Project) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "name": project.name,
        "is_default": project.is_default,
        "timezone": project.timezone,
        "country": project.country,
        "language": project.language,
        "session_timeout_minutes": project.session_timeout_minutes,
        "default_pipeline_id": project.default_pipeline_id,
        "owner_user_id": project.owner_user_id,
        "business_hours": dict(project.business_hours),
        "agent_assignment": dict(project.agent_assignment),
        "configuration": dict(project.configuration),
    }


def _key(row: Row) -> dict[str, Any]:
    return {
        "api_key_id": str(row["id"]),
        "name": row["name"],
        "prefix": row["prefix"],
        "role": row["role"],
        "project_id": _text(row["project_id"]),
        "expires_at": row["expires_at"],
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
