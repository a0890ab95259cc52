"""A project says how long its sessions may be silent, where neither pipeline nor channel does."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1

from session.application.keep_timeouts import keep_timeouts
from session.application.work import Work
from session.domain.timeouts import Allowance, usable

HEARS = IdentityProjectCreatedV1


async def on_identity_project_created(events: Sequence[Event[IdentityProjectCreatedV1]], work: Work) -> None:
    """Remember a batch."""
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
