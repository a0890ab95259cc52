"""Tell somebody who they are."""

from dataclasses import dataclass, replace

from identity.application.recognise_caller import Person
from identity.application.work import Work
from identity.domain.account import MOST_PROJECTS_NAMED, Membership, User, default_of
from identity.domain.rights import lesser


@dataclass(frozen=True)
class Profile:
    """A user, their projects as this caller may use them, and the agent that they are here."""

    user: User
    projects: list[Membership]
    agent_id: str | None
    second_factor: bool


async def show_profile(person: Person, tenant_id: str, project_id: str | None, *, work: Work) -> Profile:
    """Return the profile; a key shows the projects that it opens, with at most its own role."""
    user = await work.accounts.user(tenant_id, person.user_id)
    memberships = await work.accounts.memberships(tenant_id, person.user_id, project_id)
    projects = [
        replace(each, role=lesser(each.role, person.maker.rights.role) if not person.maker.rights.owner else each.role)
        for each in memberships[:MOST_PROJECTS_NAMED]
        if person.maker.project_id in (None, each.project_id)
    ]
    here = default_of(projects, project_id)
    asked = await work.second_factors.is_on(tenant_id, person.user_id)
    return Profile(user, projects, None if here is None else here.agent_id, asked)
