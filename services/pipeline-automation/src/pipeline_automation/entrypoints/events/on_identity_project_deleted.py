"""A project is gone."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1

from pipeline_automation.application.work import Work
from pipeline_automation.domain.surroundings import Resting

HEARS = IdentityProjectDeletedV1


async def on_identity_project_deleted(events: Sequence[Event[IdentityProjectDeletedV1]], work: Work) -> None:
    """Let their rules rest for good."""
    await work.surroundings.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
