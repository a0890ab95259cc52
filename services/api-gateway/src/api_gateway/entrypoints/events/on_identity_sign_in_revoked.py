"""A sign-in has ended, or all of a user's: their access tokens open nothing any more."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.sign_in_revoked_v1 import IdentitySignInRevokedV1

from api_gateway.withdrawals import Withdrawal, Withdrawals

HEARS = IdentitySignInRevokedV1
TRANSIENT = True


async def on_identity_sign_in_revoked(
    events: Sequence[Event[IdentitySignInRevokedV1]], withdrawals: Withdrawals
) -> None:
    """Deny the sign-ins."""
    withdrawals.add(
        Withdrawal(at=event.time, user_id=event.data.user_id)
        if event.data.all
        else Withdrawal(at=event.time, sign_in_id=event.data.sign_in_id)
        for event in events
    )
