"""A project works again."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1

from pipeline_automation.application.work import Work
from pipeline_automation.domain.surroundings import Resting

HEARS = IdentityProjectActivatedV1


async def on_identity_project_activated(events: Sequence[Event[IdentityProjectActivatedV1]], work: Work) -> None:
    """Let their rules run again."""
    await work.surroundings.keep_resting(
        [Resting(each.tenantid, each.data.project_id, False, each.data.version) for each in events]
    )
