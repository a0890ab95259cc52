"""Registering."""

from collections.abc import Callable

from fastapi import Request, Response
from outbox.work import UnitOfWork
from web.auditing import TheTrail
from web.routes import Routes
from web.works import Work, fresh_tenant_scope

from identity.application.register_account import Registration, register_account
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.entrypoints.http.asking import cause_of
from identity.entrypoints.http.schemas import RegisteredAnswer, Registering
from identity.entrypoints.http.sign_in import token_fields

WorkOf = Callable[[UnitOfWork], IdentityWork]


def registration_routes(work_of: WorkOf, means: Means) -> Routes:
    """Return the route of registering."""
    routes = Routes("sign-in", prefix="/auth")

    @routes.post(
        "/register", permission="public", status=201, scope=fresh_tenant_scope, secret_answer=True, object_type="user"
    )
    async def register(
        body: Registering, work: Work, request: Request, response: Response, trail: TheTrail
    ) -> RegisteredAnswer:
        """Make a new tenant with its owner, its first project and an API key."""
        asked = Registration(body.name, body.email, body.password, body.company, body.timezone, body.language)
        done = await register_account(asked, work.tenants[0], by=cause_of(request), means=means, work=work_of(work))
        trail.by_user(done.account.tenant_id, done.account.user_id)
        response.headers["Location"] = "/api/v1/auth/profile"
        return RegisteredAnswer(
            message="Welcome. Keep the API key: it is shown this once.",
            user_id=done.account.user_id,
            name=done.account.name,
            email=done.account.email,
            role="admin",
            owner=True,
            tenant_id=done.account.tenant_id,
            default_project_id=done.account.project_id,
            default_pipeline_id=done.account.pipeline_id,
            api_key=done.api_key,
            **token_fields(done.tokens),
        )

    return routes
