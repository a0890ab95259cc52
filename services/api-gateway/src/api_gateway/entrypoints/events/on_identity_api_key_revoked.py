"""An API key was revoked: it opens nothing any more."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.api_key_revoked_v1 import IdentityApiKeyRevokedV1

from api_gateway.withdrawals import Withdrawal, Withdrawals

HEARS = IdentityApiKeyRevokedV1
TRANSIENT = True


async def on_identity_api_key_revoked(
    events: Sequence[Event[IdentityApiKeyRevokedV1]], withdrawals: Withdrawals
) -> None:
    """Deny the keys."""
    withdrawals.add(Withdrawal(at=event.time, api_key_id=event.data.api_key_id) for event in events)
