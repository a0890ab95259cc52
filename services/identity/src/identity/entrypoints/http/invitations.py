"""Accepting an invitation."""

from typing import Any

from fastapi import Request
from kernel.errors import DomainError
from web.exchange import exchange_of
from web.routes import Routes

from identity.application.accept_invitation import Acceptance, accept_invitation
from identity.application.work import Means
from identity.entrypoints.http.asking import cause_of, nobody_scope
from identity.entrypoints.http.member_schemas import AcceptingInvitation
from identity.entrypoints.http.schemas import TokensAnswer
from identity.entrypoints.http.sign_in import token_fields

# Strangers may accept, and whoever has an account comes signed in: the gateway then tells who that is.
OPTIONAL_SIGN_IN: dict[str, Any] = {"openapi_extra": {"x-sign-in": "optional"}}


def invitation_routes(means: Means) -> Routes:
    """Return the route of accepting."""
    routes = Routes("sign-in", prefix="/auth/invitations")

    @routes.post(
        "/accept",
        permission="public",
        scope=nobody_scope,
        secret_answer=True,
        object_type="user",
        **OPTIONAL_SIGN_IN,
    )
    async def accept_mailed_invitation(body: AcceptingInvitation, request: Request) -> TokensAnswer:
        """Accept an invitation with the token of its mail: as somebody new, or signed in with the address that was invited."""
        caller = exchange_of(request.scope).caller
        if caller is not None and caller.subject_kind != "user":
            raise DomainError("rule_violated", "an API key accepts nothing: sign in", rule="sign_in_required")
        signed_in = None if caller is None else (caller.tenant_id, caller.subject)
        asked = Acceptance(body.token, body.name, body.password, signed_in)
        done = await accept_invitation(asked, by=cause_of(request), means=means)
        return TokensAnswer(**token_fields(done.tokens))

    return routes
