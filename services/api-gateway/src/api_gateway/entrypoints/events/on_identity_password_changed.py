"""A password was changed: the sign-ins that ended with it open nothing any more."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.password_changed_v1 import IdentityPasswordChangedV1

from api_gateway.withdrawals import Withdrawal, Withdrawals

HEARS = IdentityPasswordChangedV1
TRANSIENT = True


async def on_identity_password_changed(
    events: Sequence[Event[IdentityPasswordChangedV1]], withdrawals: Withdrawals
) -> None:
    """Deny all sign-ins made so far, but the one that goes on."""
    withdrawals.add(
        Withdrawal(at=event.time, user_id=event.data.user_id, kept=None if event.data.all else event.data.sign_in_id)
        for event in events
    )
