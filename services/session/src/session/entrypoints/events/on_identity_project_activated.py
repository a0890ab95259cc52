"""A project works again."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1

from session.application.work import Work
from session.domain.timeouts import Resting

HEARS = IdentityProjectActivatedV1


async def on_identity_project_activated(events: Sequence[Event[IdentityProjectActivatedV1]], work: Work) -> None:
    """Let sessions begin there again."""
    await work.timeouts.keep_resting(
        [Resting(each.tenantid, each.data.project_id, False, each.data.version) for each in events]
    )
