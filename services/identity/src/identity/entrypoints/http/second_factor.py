"""The second factor of one's own sign-ins."""

from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request
from kernel.errors import DomainError
from outbox.work import UnitOfWork
from web.auditing import TheTrail
from web.caller import Caller, TheCaller, client_address
from web.routes import Routes
from web.works import Work

from identity.application.end_second_factor import end_second_factor
from identity.application.set_up_second_factor import begin_second_factor, confirm_second_factor
from identity.application.work import Means
from identity.application.work import Work as IdentityWork
from identity.domain.one_time_codes import address_of, in_letters
from identity.entrypoints.http.schemas import (
    BeginningSecondFactor,
    ConfirmingSecondFactor,
    EndingSecondFactor,
    RecoveryCodesAnswer,
    SecondFactorAnswer,
)

WorkOf = Callable[[UnitOfWork], IdentityWork]


def second_factor_routes(work_of: WorkOf, means: Means, issuer: str) -> Routes:
    """Return the routes of second factors; `issuer` is the site that devices show beside the code."""
    routes = Routes("sign-in", prefix="/auth/totp")

    @routes.post("", permission="self", status=201, secret_answer=True, object_type="user")
    async def begin_totp(body: BeginningSecondFactor, request: Request, caller: TheCaller) -> SecondFactorAnswer:
        """Get a secret for one's device; nothing is asked for until it is confirmed."""
        user, secret = await begin_second_factor(
            signed_in(caller), body.password, address=client_address(request), by=caller.cause, means=means
        )
        site = urlsplit(issuer).hostname or issuer
        return SecondFactorAnswer(secret=in_letters(secret), uri=address_of(secret, site, user.email))

    @routes.post("/confirm", permission="self", secret_answer=True, object_type="user")
    async def confirm_totp(
        body: ConfirmingSecondFactor, work: Work, caller: TheCaller, trail: TheTrail
    ) -> RecoveryCodesAnswer:
        """Show that one's device has the secret; the recovery codes are shown this once."""
        codes = await confirm_second_factor(signed_in(caller), body.code, by=caller.cause, work=work_of(work))
        trail.about(caller.subject)
        return RecoveryCodesAnswer(recovery_codes=codes)

    @routes.post("/end", permission="self", status=204, object_type="user")
    async def end_totp(body: EndingSecondFactor, request: Request, caller: TheCaller) -> None:
        """End the second factor, with password and a code."""
        await end_second_factor(
            signed_in(caller), body.password, body.code, address=client_address(request), by=caller.cause, means=means
        )

    return routes


def signed_in(caller: Caller) -> str:
    """Return which user it is; raise rule_violated for an API key, which has no second factor."""
    if caller.subject_kind != "user":
        raise DomainError("rule_violated", "an API key has no second factor: sign in", rule="sign_in_required")
    return caller.subject
