"""What pipeline-automation says: the only file that builds its contract events."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from contracts.contact.entered_pipeline_v1 import ContactEnteredPipelineV1
from contracts.contact.exited_pipeline_v1 import ContactExitedPipelineV1
from contracts.contact.pipeline_status_changed_v1 import ContactPipelineStatusChangedV1
from contracts.envelope import AnyEvent, Payload, asked_event, caused_event
from contracts.pipeline.created_v1 import PipelineCreatedV1
from contracts.pipeline.deleted_v1 import PipelineDeletedV1
from contracts.pipeline.pipeline_status import PipelineStatus
from contracts.pipeline.updated_v1 import PipelineUpdatedV1
from contracts.status.created_v1 import StatusCreatedV1
from contracts.status.removed_v1 import StatusRemovedV1
from contracts.status.updated_v1 import StatusUpdatedV1
from kernel.cause import Cause

from pipeline_automation.domain.pipeline import Pipeline, Status
from pipeline_automation.domain.placement import Outcome, Placement

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

    # pipelines and their statuses

    def pipeline_created(self, pipeline: Pipeline, because: Because) -> None:
        """A pipeline exists, with its statuses."""
        self._tell_of(pipeline, PipelineCreatedV1(**_pipeline(pipeline)), because)
        for status in pipeline.statuses:
            self.status_created(pipeline, status, because)

    def pipeline_updated(self, pipeline: Pipeline, changed: Sequence[str], because: Because) -> None:
        """Fields of a pipeline changed."""
        self._tell_of(pipeline, PipelineUpdatedV1(**_pipeline(pipeline), changed=tuple(changed)), because)

    def pipeline_deleted(self, pipeline: Pipeline, version: int, because: Because) -> None:
        """A pipeline is gone."""
        self._tell_of(pipeline, PipelineDeletedV1(pipeline_id=pipeline.id, version=version), because)

    def status_created(self, pipeline: Pipeline, status: Status, because: Because) -> None:
        """A pipeline has one more status."""
        self._tell_of(pipeline, StatusCreatedV1(**_status(pipeline, status)), because, status)

    def status_updated(self, pipeline: Pipeline, status: Status, changed: Sequence[str], because: Because) -> None:
        """Fields of a status changed."""
        data = StatusUpdatedV1(**_status(pipeline, status), changed=tuple(changed))
        self._tell_of(pipeline, data, because, status)

    def status_removed(
        self, pipeline: Pipeline, status: Status, moved_to_status_id: str | None, because: Because
    ) -> None:
        """A pipeline has one status less."""
        data = StatusRemovedV1(
            status_id=status.id, pipeline_id=pipeline.id, name=status.name, moved_to_status_id=moved_to_status_id
        )
        self._tell_of(pipeline, data, because, status)

    # placements

    def moved(self, outcome: Outcome) -> None:
        """A contact stands in another status, perhaps for the first time in that pipeline."""
        move, before, after = outcome.move, outcome.before, outcome.after
        assert after is not None
        if before is None:
            entered = ContactEnteredPipelineV1(
                contact_id=after.contact_id,
                pipeline_id=after.pipeline_id,
                status_id=after.status.id,
                status_name=after.status.name,
                entered_by=move.actor,
                at=after.entered_at,
            )
            self._tell_of_contact(after, entered, move.because, move.actor, move.hop)
        data = ContactPipelineStatusChangedV1(
            contact_id=after.contact_id,
            pipeline_id=after.pipeline_id,
            new_status_id=after.status.id,
            new_status_name=after.status.name,
            new_status_type=after.status.status_type,
            changed_by=move.actor,
            changed_at=after.entered_at,
            previous_status_id=before.status.id if before else None,
            previous_status_name=before.status.name if before else None,
            previous_status_type=before.status.status_type if before else None,
            seconds_in_previous=outcome.seconds_in_previous,
            value_amount=after.value.amount if after.value else None,
            currency=after.value.currency if after.value else None,
            lost_reason=after.lost_reason,
            reason=after.reason,
        )
        self._tell_of_contact(after, data, move.because, move.actor, move.hop)

    def left(self, placement: Placement, exited_by: str, reason: str | None, because: Because) -> None:
        """A contact was taken out of a pipeline."""
        data = ContactExitedPipelineV1(
            contact_id=placement.contact_id,
            pipeline_id=placement.pipeline_id,
            last_status_id=placement.status.id,
            last_status_name=placement.status.name,
            exited_by=exited_by,
            at=placement.exited_at or self._now,
            reason=reason,
        )
        self._tell_of_contact(placement, data, because, exited_by, None)

    def _tell_of(self, pipeline: Pipeline, data: Payload, because: Because, status: Status | None = None) -> None:
        """Say something of a pipeline or its status; all of one pipeline keeps its order."""
        subject = status.id if status else pipeline.id
        self._tell(because, data, subject=subject, project_id=pipeline.project_id, key=pipeline.id)

    def _tell_of_contact(
        self, placement: Placement, data: Payload, because: Because, actor: str, hop: int | None
    ) -> None:
        self._tell(because, data, subject=placement.contact_id, project_id=placement.project_id, actor=actor, hop=hop)

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


def _pipeline(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "pipeline_id": pipeline.id,
        "name": pipeline.name,
        "color": pipeline.color,
        "position": pipeline.position,
        "active": pipeline.active,
        "is_default": pipeline.is_default,
        "version": pipeline.version,
        "description": pipeline.description,
        "session_timeout_minutes": pipeline.session_timeout_minutes,
        "enable_ai_summary": pipeline.enable_ai_summary,
        "statuses": tuple(
            PipelineStatus(
                status_id=status.id,
                name=status.name,
                status_type=status.status_type,
                color=status.color,
                position=status.position,
                active=status.active,
            )
            for status in pipeline.statuses
        ),
    }


def _status(pipeline: Pipeline, status: Status) -> dict[str, Any]:
    return {
        "status_id": status.id,
        "pipeline_id": pipeline.id,
        "name": status.name,
        "status_type": status.status_type,
        "color": status.color,
        "position": status.position,
        "active": status.active,
        "version": status.version,
        "description": status.description,
    }
