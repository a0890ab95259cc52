"""A project is gone."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1

from messaging.application.work import Work
from messaging.domain.projected import Resting

HEARS = IdentityProjectDeletedV1


async def on_identity_project_deleted(events: Sequence[Event[IdentityProjectDeletedV1]], work: Work) -> None:
    """Let no more messages be queued there."""
    await work.channels.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
