"""A project rests."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1

from session.application.work import Work
from session.domain.timeouts import Resting

HEARS = IdentityProjectDeactivatedV1


async def on_identity_project_deactivated(events: Sequence[Event[IdentityProjectDeactivatedV1]], work: Work) -> None:
    """Let no more sessions begin there; those that are open go on."""
    await work.timeouts.keep_resting(
        [Resting(each.tenantid, each.data.project_id, True, each.data.version) for each in events]
    )
