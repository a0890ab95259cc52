"""What is said of rules and in their name."""

from collections.abc import Sequence

import msgspec
from contracts.automation_rule.action_result import ActionResult
from contracts.automation_rule.created_v1 import AutomationRuleCreatedV1
from contracts.automation_rule.deleted_v1 import AutomationRuleDeletedV1
from contracts.automation_rule.disabled_v1 import AutomationRuleDisabledV1
from contracts.automation_rule.enabled_v1 import AutomationRuleEnabledV1
from contracts.automation_rule.executed_v1 import AutomationRuleExecutedV1
from contracts.automation_rule.execution_ref import ExecutionRef
from contracts.automation_rule.failed_v1 import AutomationRuleFailedV1
from contracts.automation_rule.loop_detected_v1 import AutomationRuleLoopDetectedV1
from contracts.automation_rule.triggered_v1 import AutomationRuleTriggeredV1
from contracts.automation_rule.updated_v1 import AutomationRuleUpdatedV1
from contracts.contact.tag_add_requested_v1 import ContactTagAddRequestedV1
from contracts.contact.tag_remove_requested_v1 import ContactTagRemoveRequestedV1
from contracts.content import Text
from contracts.envelope import SPEC_VERSION, AnyEvent, Event, Payload
from contracts.fields import SenderRef
from contracts.message.compose_requested_v1 import MessageComposeRequestedV1
from contracts.message.origin_ref import OriginRef

from pipeline_automation.application.announcements import ITSELF, SOURCE, Announcements, Because
from pipeline_automation.domain.execution import Execution, failed_index
from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.rule import StoredRule
from pipeline_automation.domain.wished_message import WishedMessage

SYSTEM_AGENT = "00000000-0000-0000-0000-000000000003"
"""In whose name automation writes."""


class RuleAnnouncements(Announcements):
    """All that the service says; here what concerns rules."""

    # people change rules

    def rule_created(self, stored: StoredRule, because: Because) -> None:
        """A rule exists."""
        rule = stored.rule
        data = AutomationRuleCreatedV1(
            rule_id=stored.id,
            revision=stored.revision,
            name=rule.name,
            trigger=rule.trigger,
            enabled=rule.enabled,
            version=stored.version,
            pipeline_id=rule.pipeline_id,
        )
        self._tell_of_rule(stored, data, because)

    def rule_updated(self, stored: StoredRule, changed: Sequence[str], because: Because) -> None:
        """A rule changed."""
        rule = stored.rule
        data = AutomationRuleUpdatedV1(
            rule_id=stored.id,
            revision=stored.revision,
            name=rule.name,
            trigger=rule.trigger,
            enabled=rule.enabled,
            version=stored.version,
            pipeline_id=rule.pipeline_id,
            changed=tuple(changed),
        )
        self._tell_of_rule(stored, data, because)

    def rule_deleted(self, stored: StoredRule, because: Because) -> None:
        """A rule is gone."""
        self._tell_of_rule(stored, AutomationRuleDeletedV1(rule_id=stored.id, version=stored.version), because)

    def rule_switched(self, stored: StoredRule, because: Because) -> None:
        """A person enabled or disabled a rule."""
        kind = AutomationRuleEnabledV1 if stored.rule.enabled else AutomationRuleDisabledV1
        data = kind(rule_id=stored.id, revision=stored.revision, version=stored.version)
        self._tell_of_rule(stored, data, because)

    def rule_disabled_itself(self, stored: StoredRule, reason: str, heard: Heard) -> None:
        """A rule did harm and runs no more."""
        data = AutomationRuleDisabledV1(
            rule_id=stored.id, revision=stored.revision, version=stored.version, reason=reason
        )
        self._tell_of_rule(stored, data, self.in_the_wake_of(heard), actor=ITSELF)

    # rules run

    def rule_triggered(self, execution: Execution) -> None:
        """The conditions of a rule were met."""
        heard = execution.heard
        data = AutomationRuleTriggeredV1(
            rule_id=execution.rule.id,
            revision=execution.rule.revision,
            execution_id=execution.id,
            trigger_event_id=heard.event_id,
            trigger_type=heard.trigger,
            contact_id=heard.contact_id,
            session_id=heard.session_id,
        )
        self._tell_of_execution(execution, data)

    def rule_ran(self, execution: Execution) -> None:
        """All actions of an execution were done, or some failed."""
        results = tuple(
            ActionResult(index=each.index, action=each.action, outcome=each.outcome, detail=each.detail)
            for each in execution.results
        )
        heard = execution.heard
        if execution.state == "succeeded":
            done = AutomationRuleExecutedV1(
                rule_id=execution.rule.id,
                execution_id=execution.id,
                action_results=results,
                contact_id=heard.contact_id,
                session_id=heard.session_id,
            )
            return self._tell_of_execution(execution, done)
        first = execution.results[failed_index(execution.results)]
        failed = AutomationRuleFailedV1(
            rule_id=execution.rule.id,
            execution_id=execution.id,
            action_results=results,
            failed_index=first.index,
            error=first.detail or first.outcome,
            contact_id=heard.contact_id,
            session_id=heard.session_id,
        )
        return self._tell_of_execution(execution, failed)

    def loop_detected(self, rule: StoredRule, heard: Heard, kind: str, *, chat_key: str | None = None) -> None:
        """Loop protection held a rule back."""
        data = AutomationRuleLoopDetectedV1(
            rule_id=rule.id, kind=kind, contact_id=heard.contact_id, chat_key=chat_key or heard.chat_key
        )
        self._tell_of_rule(rule, data, self.in_the_wake_of(heard), actor=ITSELF)

    # wishes

    def message_wished(
        self, message: WishedMessage, text: str, *, chat_key: str | None, channel_id: str | None
    ) -> None:
        """A rule wants to write: into the chat of the event, or to the contact, perhaps by a certain channel."""
        execution = message.execution
        heard, rule = execution.heard, execution.rule.rule
        data = MessageComposeRequestedV1(
            message_id=message.id,
            content=msgspec.Raw(msgspec.json.encode(Text(text=text))),
            sender=SenderRef(kind="system", id=SYSTEM_AGENT),
            source="trigger",
            purpose="service" if rule.transactional else "marketing",
            priority="high" if heard.trigger == "message.received" else "normal",
            chat_key=chat_key,
            contact_id=heard.contact_id,
            channel_id=channel_id,
            session_id=heard.session_id if chat_key else None,
            origin_ref=OriginRef(
                kind="rule", id=execution.rule.id, execution_id=execution.id, action_index=message.action_index
            ),
        )
        self._wish(execution, data, subject=message.id, key=message.chat_key)

    def tag_wished(self, execution: Execution, index: int, tag: str, *, added: bool) -> None:
        """A rule wants a tag on a contact, or off it."""
        contact_id = execution.heard.contact_id
        assert contact_id is not None
        ref = ExecutionRef(rule_id=execution.rule.id, execution_id=execution.id, action_index=index)
        kind = ContactTagAddRequestedV1 if added else ContactTagRemoveRequestedV1
        data = kind(contact_ids=(contact_id,), tag=tag, execution_ref=ref)
        self._wish(execution, data, subject=contact_id, key=contact_id)

    def in_the_wake_of(self, heard: Heard) -> AnyEvent:
        """Return the event that was heard, as far as what follows from it needs to know."""
        return Event(
            specversion=SPEC_VERSION,
            id=heard.event_id,
            type=heard.trigger,
            source=SOURCE,
            subject=heard.event_id,
            time=heard.occurred_at,
            tenantid=heard.tenant_id,
            partitionkey=heard.event_id,
            correlationid=heard.correlation_id,
            actor=heard.actor,
            data=None,
            projectid=heard.project_id,
            hop=heard.hop,
            traceparent=heard.traceparent,
        )

    def _tell_of_rule(self, stored: StoredRule, data: Payload, because: Because, *, actor: str | None = None) -> None:
        self._tell(because, data, subject=stored.id, project_id=stored.project_id, actor=actor)

    def _tell_of_execution(self, execution: Execution, data: Payload) -> None:
        self._wish(execution, data, subject=execution.rule.id, key=execution.rule.id)

    def _wish(self, execution: Execution, data: Payload, *, subject: str, key: str) -> None:
        """Say something in a rule's name, one step further than what it reacts to."""
        heard = execution.heard
        self._tell(
            self.in_the_wake_of(heard),
            data,
            subject=subject,
            project_id=heard.project_id,
            key=key,
            actor=execution.rule.actor,
            hop=heard.hop + 1,
        )
