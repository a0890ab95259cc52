"""A project is gone."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1

from session.application.work import Work
from session.domain.timeouts import Resting

HEARS = IdentityProjectDeletedV1


async def on_identity_project_deleted(events: Sequence[Event[IdentityProjectDeletedV1]], work: Work) -> None:
    """Let no more sessions begin there."""
    await work.timeouts.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
