"""What bodies and answers about members and invitations look like."""

from typing import Annotated, Literal

from pydantic import Field
from web.bodies import Answer, Body, Id, Time

from identity.entrypoints.http.schemas import Email, Name, Role


class InvitingMember(Body):
    """Who is asked to join, to be what. `create_agent`: whether they will attend conversations; viewers never do."""

    email: Email
    role: Role
    create_agent: bool = True


class ChangingRole(Body):
    """What a member is from now on."""

    role: Role


class AcceptingInvitation(Body):
    """The token that was mailed. Name and password are those of somebody new; whoever has an account signs in before."""

    token: Annotated[str, Field(min_length=1, max_length=1024)]
    name: Name | None = None
    password: Annotated[str, Field(max_length=1024)] | None = None


class MemberAnswer(Answer):
    """Somebody who works in a project, or was asked to: then there is no user, name and agent yet."""

    audited = ("email", "name", "role", "status", "user_id", "agent_id")

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    user_id: Id | None
    agent_id: Id | None
    email: str
    name: str | None
    role: str
    status: Literal["invited", "active"]
    invited_by: Id | None
    invited_at: Time
    joined_at: Time | None
