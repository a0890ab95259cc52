"""A project works again."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1

from messaging.application.work import Work
from messaging.domain.projected import Resting

HEARS = IdentityProjectActivatedV1


async def on_identity_project_activated(events: Sequence[Event[IdentityProjectActivatedV1]], work: Work) -> None:
    """Let messages be queued there again."""
    await work.channels.keep_resting(
        [Resting(each.tenantid, each.data.project_id, False, each.data.version) for each in events]
    )
