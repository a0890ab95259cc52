"""What events tell of contacts, channels and projects, in our words."""

from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.envelope import Event
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1
from contracts.identity.project_updated_v1 import IdentityProjectUpdatedV1

from pipeline_automation.domain.known_contact import Snapshot
from pipeline_automation.domain.surroundings import KnownChannel, KnownProject
from pipeline_automation.entrypoints.events.whose import project_of


def channel_in(event: Event[ChannelCreatedV1] | Event[ChannelUpdatedV1]) -> KnownChannel:
    """Return the channel of which an event tells."""
    tenant_id, project_id = project_of(event)
    told = event.data
    return KnownChannel(
        tenant_id=tenant_id,
        project_id=project_id,
        id=told.channel_id,
        name=told.name,
        type=told.type,
        pipeline_id=told.pipeline_id,
        version=told.version,
    )


def project_in(event: Event[IdentityProjectCreatedV1] | Event[IdentityProjectUpdatedV1]) -> KnownProject:
    """Return the project of which an event tells."""
    return KnownProject(
        tenant_id=event.tenantid,
        id=event.data.project_id,
        name=event.data.name,
        language=event.data.language,
        timezone=event.data.timezone,
        default_pipeline_id=event.data.default_pipeline_id,
        version=event.data.version,
    )


def snapshot_in(event: Event[ContactCreatedV1] | Event[ContactUpdatedV1]) -> Snapshot:
    """Return the contact as an event describes it."""
    told = event.data
    return Snapshot(
        version=told.version,
        name=told.name,
        email=told.email,
        phone=told.phone,
        external_id=told.external_id,
        language=told.language,
        timezone=told.timezone,
        source_channel=told.source_channel,
        tags=told.tags,
        custom_fields=told.custom_fields,
        opted_out=told.opted_out,
        met_at=told.created_at,
    )
