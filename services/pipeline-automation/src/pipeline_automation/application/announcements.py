"""What pipeline-automation says: the only file that builds its contract events."""

from collections.abc import Callable
from datetime import datetime

from contracts.envelope import AnyEvent, Payload, asked_event, caused_event
from kernel.cause import Cause

SOURCE = "pipeline-automation"
ITSELF = "system:pipeline-automation"
"""The actor of what nobody asked for, such as the place of a new contact."""

Because = Cause | AnyEvent
"""Why something is said: a person or program asked, or an event was heard."""


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    def _tell(
        self,
        because: Because,
        data: Payload,
        *,
        subject: str,
        project_id: str,
        key: str | None = None,
        actor: str | None = None,
        hop: int | None = None,
    ) -> None:
        """Say `data` of the aggregate `subject`; `key` is the partition key where that is not the aggregate.

        `actor` and `hop` are for automation, which names itself, one hop further than what it reacts to.
        """
        if isinstance(because, Cause):
            event = asked_event(
                because,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=subject,
                time=self._now,
                project_id=project_id,
                partition_key=key or subject,
            )
        else:
            event = caused_event(
                because,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=subject,
                time=self._now,
                partition_key=key or subject,
                actor=actor,
                hop=hop,
            )
        self._say(event)
