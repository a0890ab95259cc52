"""A project is gone."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1

from channel_gateway.application.senders import Resting
from channel_gateway.application.work import Work

HEARS = IdentityProjectDeletedV1


async def on_identity_project_deleted(events: Sequence[Event[IdentityProjectDeletedV1]], work: Work) -> None:
    """Let what is queued there wait, until it expires."""
    await work.sending.senders.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
