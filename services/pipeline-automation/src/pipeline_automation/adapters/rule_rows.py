"""Rules as rows, and back."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline_automation.domain.actions import Action
from pipeline_automation.domain.pipeline import name_key
from pipeline_automation.domain.rule import Rule, StoredRule


def stored_rule(row: Mapping[str, Any]) -> StoredRule:
    """Return the rule of a row, whose documents may be text or read already."""
    return StoredRule(
        tenant_id=str(row["tenant_id"]),
        project_id=str(row["project_id"]),
        id=str(row["id"]),
        version=row["version"],
        revision=row["revision"],
        created_at=_time(row["created_at"]),
        rule=Rule(
            automation_type=row["automation_type"],
            pipeline_id=str(row["pipeline_id"]) if row["pipeline_id"] else None,
            name=row["name"],
            description=row["description"],
            trigger=row["trigger"],
            trigger_filter=_document(row["trigger_filter"]),
            conditions=_document(row["conditions"]),
            expression=row["expression"],
            actions=tuple(Action(each["action"], each["parameters"]) for each in _document(row["actions"])),
            priority=row["priority"],
            enabled=row["enabled"],
            on_error=row["on_error"],
            max_event_age_minutes=row["max_event_age_minutes"],
            max_count=row["max_count"],
            max_hours=row["max_hours"],
            transactional=row["transactional"],
        ),
    )


def rule_values(rule: Rule) -> tuple[Any, ...]:
    """Return what people wrote, in the order of the statements that store it."""
    return (
        rule.automation_type,
        rule.pipeline_id,
        rule.name,
        name_key(rule.name),
        rule.description,
        rule.trigger,
        json.dumps(rule.trigger_filter),
        json.dumps(rule.conditions),
        rule.expression,
        json.dumps([{"action": each.action, "parameters": each.parameters} for each in rule.actions]),
        rule.priority,
        rule.enabled,
        rule.on_error,
        rule.max_event_age_minutes,
        rule.max_count,
        rule.max_hours,
        rule.transactional,
    )


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
