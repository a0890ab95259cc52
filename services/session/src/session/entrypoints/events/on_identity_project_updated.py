"""A project says something else of how long its sessions may be silent."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_updated_v1 import IdentityProjectUpdatedV1

from session.application.keep_timeouts import keep_timeouts
from session.application.work import Work
from session.domain.timeouts import Allowance, usable

HEARS = IdentityProjectUpdatedV1


async def on_identity_project_updated(events: Sequence[Event[IdentityProjectUpdatedV1]], work: Work) -> None:
    """Remember a batch; the newest version of each project wins."""
    await keep_timeouts(
        [
            Allowance(
                each.tenantid,
                each.data.project_id,
                usable(each.data.session_timeout_minutes),
                each.data.version,
            )
            for each in events
        ],
        work,
    )
