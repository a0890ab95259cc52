"""A project rests."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1

from messaging.application.work import Work
from messaging.domain.projected import Resting

HEARS = IdentityProjectDeactivatedV1


async def on_identity_project_deactivated(events: Sequence[Event[IdentityProjectDeactivatedV1]], work: Work) -> None:
    """Let no more messages be queued there."""
    await work.channels.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
