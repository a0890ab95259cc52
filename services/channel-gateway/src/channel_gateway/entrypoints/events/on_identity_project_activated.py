"""A project works again."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1

from channel_gateway.application.senders import Resting
from channel_gateway.application.work import Work

HEARS = IdentityProjectActivatedV1


async def on_identity_project_activated(events: Sequence[Event[IdentityProjectActivatedV1]], work: Work) -> None:
    """Let what waits there leave."""
    await work.sending.senders.keep_resting(
        [Resting(each.tenantid, each.data.project_id, False, each.data.version) for each in events]
    )
