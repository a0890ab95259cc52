"""Signing in, staying signed in, signing out."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body as BodyOf
from fastapi import Request
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from web.auditing import TheTrail
from web.caller import TheCaller, client_address
from web.exchange import exchange_of
from web.problems import Problem
from web.routes import Routes
from web.works import Work

from identity.application.begin_sign_in import Tokens
from identity.application.log_in import log_in
from identity.application.log_out import log_out
from identity.application.refresh_sign_in import refresh_sign_in
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.entrypoints.http.asking import cause_of, nobody_scope
from identity.entrypoints.http.schemas import (
    Refreshing,
    SignedInAnswer,
    SigningIn,
    SigningOut,
    TokensAnswer,
    sought_email,
)

WorkOf = Callable[[UnitOfWork], IdentityWork]


def sign_in_routes(work_of: WorkOf, means: Means) -> Routes:
    """Return the routes of sign-ins."""
    routes = Routes("sign-in", prefix="/auth")

    @routes.post("/login", permission="public", scope=nobody_scope, secret_answer=True, object_type="user")
    async def login(body: SigningIn, request: Request) -> SignedInAnswer:
        """Sign in with e-mail and password."""
        email = sought_email(body.email)
        done = await log_in(
            email, body.password, body.project_id, body.code, address=client_address(request), means=means
        )
        return SignedInAnswer(
            user_id=done.user.id,
            email=done.user.email,
            name=done.user.name,
            role=done.project.role if done.project else None,
            tenant_id=done.user.tenant_id,
            default_project_id=done.project.project_id if done.project else None,
            **token_fields(done.tokens),
        )

    @routes.post(
        "/refresh",
        permission="public",
        scope=nobody_scope,
        secret_answer=True,
        response_model=TokensAnswer,
        object_type="user",
    )
    async def refresh(body: Refreshing, work: Work, request: Request) -> Any:
        """Exchange a refresh token, which works once, for fresh tokens."""
        done = await refresh_sign_in(body.refresh_token, by=cause_of(request), means=means, work=work_of(work))
        if isinstance(done, Tokens):
            return TokensAnswer(**token_fields(done))
        return Problem(done, "sign in again").response(exchange_of(request.scope), request.scope["path"])

    @routes.post("/logout", permission="self", status=204, object_type="user")
    async def logout(
        work: Work, caller: TheCaller, trail: TheTrail, body: Annotated[SigningOut | None, BodyOf()] = None
    ) -> None:
        """End this sign-in, or all of one's own."""
        if caller.subject_kind != "user":
            raise DomainError("rule_violated", "an API key is no sign-in: revoke it instead", rule="sign_in_required")
        trail.about(caller.subject)
        everywhere = body is not None and body.all_sessions
        await log_out(
            caller.subject, caller.credential_id, all_sessions=everywhere, by=caller.cause, work=work_of(work)
        )

    return routes


def token_fields(tokens: Tokens) -> dict[str, Any]:
    """Return the fields that every answer with tokens has."""
    return {
        "access_token": tokens.access_token,
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token,
        "refresh_expires_in": tokens.refresh_expires_in,
    }
