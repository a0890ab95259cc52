"""Who signed in, and what they become in one project: the caller that services are told of."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import DomainError
from web.caller import Caller, SubjectKind
from web.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in one project."""

    role: str
    owner: bool
    permissions: frozenset[str]
    agent_id: str | None = None


NO_RIGHTS = Rights("", False, frozenset())


@dataclass(frozen=True, slots=True)
class Principal:
    """What a credential proves: whose it is, and what it may do in each project that it opens.

    `credential_id` is that of the sign-in or API key. `default_project_id` is meant where no project is named.
    """

    tenant_id: str
    subject: str
    subject_kind: SubjectKind
    credential_id: str
    projects: Mapping[str, Rights]
    default_project_id: str | None = None
    elsewhere: Rights = NO_RIGHTS
    """What they may do without any project."""

    @property
    def limited_as(self) -> str:
        """Return whom the rates of requests count for: a user however often signed in, or a key."""
        return self.credential_id if self.subject_kind == "api_key" else self.subject

    def caller(self, wanted_project: str | None, exchange: Exchange) -> Caller:
        """Return the caller in the wanted project, or in the one that is meant where none is named.

        Raises not_found for a project that is not the caller's, whether or not it exists.
        """
        project_id = self._project(wanted_project)
        rights = self.elsewhere if project_id is None else self.projects[project_id]
        return Caller(
            tenant_id=self.tenant_id,
            project_id=project_id,
            subject=self.subject,
            subject_kind=self.subject_kind,
            credential_id=self.credential_id,
            role=rights.role,
            owner=rights.owner,
            permissions=rights.permissions,
            agent_id=rights.agent_id,
            request_id=exchange.request_id,
            correlation_id=exchange.correlation_id,
        )

    def _project(self, wanted: str | None) -> str | None:
        if wanted is not None:
            if wanted not in self.projects:
                raise DomainError("not_found", "there is no such project")
            return wanted
        if self.default_project_id in self.projects:
            return self.default_project_id
        # Ids sort by their making: the tenant's default project came first.
        return min(self.projects, default=None)
