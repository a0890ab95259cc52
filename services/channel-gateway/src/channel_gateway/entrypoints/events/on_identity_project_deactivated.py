"""A project rests."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1

from channel_gateway.application.senders import Resting
from channel_gateway.application.work import Work

HEARS = IdentityProjectDeactivatedV1


async def on_identity_project_deactivated(events: Sequence[Event[IdentityProjectDeactivatedV1]], work: Work) -> None:
    """Let what is queued there wait."""
    await work.sending.senders.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
