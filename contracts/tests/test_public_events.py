"""What is offered to the world outside: a copy by hand of the reference, and bodies that are what their schemas say."""

import pytest
from contracts.public import public_events
from contracts.registry import payloads
from jsonschema import Draft202012Validator

OFFERED = {
    "contacts": "contact.created contact.updated contact.deleted contact.restored contact.identity_linked contact.tag_added"
    " contact.tag_removed contact.custom_field_set contact.custom_field_cleared contact.pipeline_status_changed"
    " contact.entered_pipeline contact.exited_pipeline custom_field.created custom_field.updated custom_field.deleted",
    "sessions": "session.started session.ended",
    "messages": "message.received message.send_requested message.sent message.delivered message.read message.played message.failed"
    " message.unresolved message.cancelled",
    "chats": "chat.created",
    "pipelines": "pipeline.created pipeline.updated pipeline.deleted status.created status.updated status.removed",
    "automation": "automation_rule.created automation_rule.updated automation_rule.deleted automation_rule.enabled"
    " automation_rule.disabled automation_rule.triggered automation_rule.executed automation_rule.failed"
    " automation_rule.loop_detected",
    "agents": "agent.created agent.updated agent.status_changed agent.activated agent.deactivated agent.deleted",
    "channels": "channel.created channel.updated channel.deleted channel.activation_requested channel.activated"
    " channel.activation_failed channel.status_changed channel.restricted channel.restriction_lifted",
    "projects": "identity.project_created identity.project_updated identity.project_activated identity.project_deactivated"
    " identity.project_deleted project_member.invited project_member.joined project_member.role_changed project_member.removed",
    "billing": "billing.account_created",
}
"""The column "Public" of the reference (events.md 3 to 9), for the events that there are, and under what section 11 offers them."""

INSIDE = (
    "audit.recorded channel.message_acked channel.message_failed channel.message_received channel.message_sent"
    " channel.message_unresolved command.refused contact.sender_identified contact.tag_add_requested contact.tag_remove_requested"
    " identity.api_key_created identity.api_key_revoked identity.password_changed identity.sign_in_revoked identity.tenant_created"
    " identity.user_registered identity.user_updated message.cancel_requested message.compose_requested session.message_recorded"
)


def test_what_is_offered_is_what_the_reference_offers_and_all_else_stays_inside() -> None:
    found: dict[str, set[str]] = {}
    for event in public_events().values():
        found.setdefault(event.group, set()).add(event.name)
    assert found == {group: set(names.split()) for group, names in OFFERED.items()}
    inside = {type.rpartition(".v")[0] for type in set(payloads()) - set(public_events())}
    assert inside == set(INSIDE.split())


@pytest.mark.parametrize("event_type", public_events())
def test_the_example_of_each_offered_event_is_what_its_schema_says(event_type: str) -> None:
    event = public_events()[event_type]
    assert event.description
    Draft202012Validator(event.schema).validate(event.example["data"])
    assert (event.example["type"], event.name, event.version) == (event_type, event_type[:-3], 1)
