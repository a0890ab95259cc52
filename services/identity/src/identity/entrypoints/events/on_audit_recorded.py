"""Whatever is written anywhere is kept in the one audit log."""

from collections.abc import Sequence

from contracts.audit.recorded_v1 import AuditRecordedV1
from contracts.envelope import Event

from identity.application.audit_log import AuditLog, Entry

HEARS = AuditRecordedV1


async def on_audit_recorded(events: Sequence[Event[AuditRecordedV1]], log: AuditLog) -> None:
    """Keep entries as they were said."""
    await log.keep(
        [
            Entry(
                tenant_id=event.tenantid,
                id=event.id,
                project_id=event.projectid,
                created_at=event.time,
                source=event.source,
                actor_kind=event.data.actor_kind,
                actor_id=event.data.actor_id,
                action=event.data.action,
                object_type=event.data.object_type,
                object_id=event.data.object_id,
                changes=event.data.changes,
                ip=event.data.ip,
                user_agent=event.data.user_agent,
                request_id=event.data.request_id,
                correlation_id=event.correlationid,
            )
            for event in events
        ]
    )
