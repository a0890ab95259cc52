"""Changing a password, and choosing another one where it was forgotten."""

from collections.abc import Callable

from fastapi import Request, Response
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from web.caller import TheCaller, client_address
from web.routes import Routes
from web.works import Work

from identity.application.ask_for_reset import ask_for_reset
from identity.application.change_password import change_password
from identity.application.reset_password import reset_password
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.entrypoints.http.asking import cause_of, nobody_scope
from identity.entrypoints.http.schemas import ChangingPassword, ForgettingPassword, ResettingPassword, sought_email

WorkOf = Callable[[UnitOfWork], IdentityWork]


def password_routes(work_of: WorkOf, means: Means) -> Routes:
    """Return the routes of passwords."""
    routes = Routes("sign-in", prefix="/auth/password")

    @routes.post("", permission="self", status=204, object_type="user")
    async def change_own_password(body: ChangingPassword, request: Request, caller: TheCaller) -> None:
        """Change one's own password; all other sign-ins end."""
        if caller.subject_kind != "user":
            raise DomainError("rule_violated", "an API key has no password: sign in", rule="sign_in_required")
        await change_password(
            caller.subject,
            caller.credential_id,
            body.current_password,
            body.new_password,
            address=client_address(request),
            by=caller.cause,
            means=means,
        )

    @routes.post("/forgot", permission="public", status=202, scope=nobody_scope, object_type="user")
    async def forgot_password(body: ForgettingPassword, work: Work) -> Response:
        """Ask for a mail that lets one choose a new password; the answer is the same whoever has that address."""
        await ask_for_reset(sought_email(body.email), work=work_of(work))
        return Response(status_code=202)

    @routes.post("/reset", permission="public", status=204, scope=nobody_scope, object_type="user")
    async def reset_forgotten_password(body: ResettingPassword, request: Request) -> None:
        """Choose a new password with the token of a mail; every sign-in ends."""
        await reset_password(body.token, body.new_password, by=cause_of(request), means=means)

    return routes
