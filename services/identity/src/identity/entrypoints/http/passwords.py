"""Changing a password."""

from fastapi import Request
from kernel.errors import DomainError
from web.caller import TheCaller
from web.routes import Routes

from identity.application.change_password import change_password
from identity.application.work import Means
from identity.entrypoints.http.asking import client_address
from identity.entrypoints.http.schemas import ChangingPassword


def password_routes(means: Means) -> Routes:
    """Return the routes of passwords."""
    routes = Routes("sign-in", prefix="/auth/password")

    @routes.post("", permission="self", status=204)
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

    return routes
