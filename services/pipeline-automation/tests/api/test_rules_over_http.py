"""Automation rules as people and programs write them: the whole service over ASGI, on a real database."""

from typing import Any

import pytest
from kernel.ids import new_id
from testkit.serving import Served, a_caller
from web.caller import Caller

RULE_FIELDS = {
    "id", "tenant_id", "project_id", "version", "created_at", "updated_at", "deleted_at", "automation_type", "pipeline_id", "name",
    "description", "trigger", "trigger_filter", "conditions", "expression", "actions", "priority", "enabled", "on_error", "schedule",
    "only_during_business_hours", "max_event_age_minutes", "max_per_contact", "transactional", "revision", "last_executed_at",
    "next_execution_at", "disabled_reason",
}  # fmt: skip
RULES = "/automation/rules"


def body(**more: Any) -> dict[str, Any]:
    """Return a rule that can be written down."""
    return {
        "automation_type": "event",
        "name": "Boas-vindas",
        "trigger": "message.received",
        "actions": [{"action": "send_message", "parameters": {"content": "Olá {{ name }}"}}],
        **more,
    }


async def write(served: Served, caller: Caller, **more: Any) -> Any:
    answer = await served.ask(caller, "POST", RULES, json=body(**more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def a_pipeline(served: Served, caller: Caller, name: str = "Vendas") -> Any:
    answer = await served.ask(caller, "POST", "/crm/pipelines", json={"name": name})
    assert answer.status_code == 201, answer.text
    pipeline = answer.json()
    return pipeline["id"], [each["id"] for each in pipeline["statuses"]]


async def test_a_rule_is_written_read_and_announced(served: Served, ana: Caller) -> None:
    conditions = [
        {"logic": "OR", "conditions": [
            {"field": "text", "operator": "contains", "value": "preço"},
            {"field": "contact.tags", "operator": "contains", "value": "vip"},
        ]},
    ]  # fmt: skip
    answer = await served.ask(
        ana, "POST", RULES,
        json=body(conditions=conditions, description="d", priority=3, max_per_contact={"count": 2}, transactional=True),
    )  # fmt: skip

    rule = answer.json()
    assert answer.status_code == 201, answer.text
    assert set(rule) == RULE_FIELDS
    assert answer.headers["Location"] == f"/api/v1/automation/rules/{rule['id']}"
    assert (rule["conditions"], rule["max_per_contact"], rule["revision"]) == (conditions, {"count": 2, "hours": 1}, 1)
    assert rule["actions"] == [
        {
            "action": "send_message",
            "parameters": {"content": "Olá {{ name }}"},
            "delay_minutes": 0,
            "recheck_conditions": False,
            "cancel_on_reply": False,
        }
    ]
    read = await served.ask(ana, "GET", f"{RULES}/{rule['id']}")
    assert (read.json(), read.headers["ETag"]) == (rule, '"1"')
    (said,) = [each for each in await served.said() if each.type == "automation_rule.created.v1"]
    assert (said.data.rule_id, said.data.trigger, said.data.enabled) == (rule["id"], "message.received", True)
    assert said.actor == f"user:{ana.subject}"


async def test_a_change_makes_another_revision_and_no_change_makes_none(served: Served, ana: Caller) -> None:
    rule = await write(served, ana)
    path = f"{RULES}/{rule['id']}"

    changed = await served.ask(ana, "PATCH", path, json={"name": "Oi", "priority": 1}, headers={"If-Match": '"1"'})
    same = await served.ask(ana, "PATCH", path, json={"name": "Oi"})
    stale = await served.ask(ana, "PATCH", path, json={"name": "Tchau"}, headers={"If-Match": '"1"'})
    fixed = await served.ask(ana, "PATCH", path, json={"automation_type": "event"})

    assert (changed.json()["revision"], changed.json()["version"], changed.json()["name"]) == (2, 2, "Oi")
    assert same.json() == changed.json()
    assert (stale.status_code, fixed.status_code) == (412, 400)
    said = [each.data for each in await served.said() if each.type == "automation_rule.updated.v1"]
    assert [(each.revision, each.changed) for each in said] == [(2, ("name", "priority"))]


async def test_rules_are_switched_copied_ordered_and_deleted(served: Served, ana: Caller) -> None:
    one, two = await write(served, ana, name="um"), await write(served, ana, name="dois")

    off = await served.ask(ana, "POST", f"{RULES}/{one['id']}/disable")
    assert (off.json()["enabled"], off.json()["version"]) == (False, 2)
    assert (await served.ask(ana, "POST", f"{RULES}/{one['id']}/disable")).json()["version"] == 2
    assert (await served.ask(ana, "POST", f"{RULES}/{one['id']}/enable")).json()["enabled"] is True
    copy = (await served.ask(ana, "POST", f"{RULES}/{one['id']}/duplicate")).json()
    assert (copy["name"], copy["enabled"], copy["priority"]) == ("um (copy)", False, 1)
    order = [two["id"], copy["id"], one["id"]]
    answer = await served.ask(ana, "POST", f"{RULES}/reorder", json={"rule_ids": order})
    assert answer.json() == {"data": [{"id": rule_id, "priority": place} for place, rule_id in enumerate(order)]}
    listed = (await served.ask(ana, "GET", RULES)).json()["data"]
    assert [each["id"] for each in listed] == order
    part = await served.ask(ana, "POST", f"{RULES}/reorder", json={"rule_ids": order[:2]})
    assert (part.status_code, part.json()["errors"][0]["pointer"]) == (400, "/rule_ids")
    assert (await served.ask(ana, "DELETE", f"{RULES}/{two['id']}")).status_code == 204
    assert (await served.ask(ana, "DELETE", f"{RULES}/{two['id']}")).status_code == 404
    for query, places in (("", order[1:]), ("?include_deleted=true", order)):
        listed = (await served.ask(ana, "GET", f"{RULES}{query}")).json()["data"]
        assert [(each["id"], each["deleted_at"] is not None) for each in listed] == [
            (id, id == two["id"]) for id in places
        ]
    kinds = [each.type.split(".")[1] for each in await served.said() if each.type.startswith("automation_rule.")]
    assert kinds == ["created", "created", "disabled", "enabled", "created", "updated", "deleted"]


async def test_rules_are_filtered_and_sorted(served: Served, ana: Caller) -> None:
    pipeline, _ = await a_pipeline(served, ana)
    await write(served, ana, name="Bela", priority=2)
    await write(served, ana, name="Ágil", trigger="session.ended", enabled=False, priority=1)
    await write(served, ana, name="Casa", automation_type="pipeline_based", pipeline_id=pipeline)

    async def names(query: str) -> list[str]:
        answer = await served.ask(ana, "GET", f"{RULES}{query}")
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["data"]]

    assert await names("") == ["Casa", "Ágil", "Bela"]
    assert await names("?sort=name") == ["Bela", "Casa", "Ágil"]
    assert await names("?sort=-last_executed_at&limit=1") != []
    assert await names("?trigger=session.ended") == await names("?enabled=false") == ["Ágil"]
    assert await names(f"?pipeline_id={pipeline}") == await names("?automation_type=pipeline_based") == ["Casa"]
    assert await names("?name=EL") == ["Bela"]


@pytest.mark.parametrize(
    ("change", "pointer", "position"),
    [
        ({"expression": "contact.name == 'x' &&\n  foo.bar == 1"}, "/expression", {"line": 2, "column": 3, "offset": 25}),
        ({"expression": "message.text =="}, "/expression", {"line": 1, "column": 16, "offset": 15}),
        (
            {"actions": [{"action": "add_tag", "parameters": {"tag": "x"}},
                         {"action": "send_message", "parameters": {"content": "Olá\n{{ nome }}"}}]},
            "/actions/1/parameters/content", {"line": 2, "column": 4, "offset": 7},
        ),
    ],
)  # fmt: skip
async def test_a_text_that_does_not_compile_is_refused_with_the_place(
    served: Served, ana: Caller, change: Any, pointer: str, position: dict[str, int]
) -> None:
    answer = await served.ask(ana, "POST", RULES, json=body(**change))

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "rule_violated")
    assert problem["position"] == {"pointer": pointer, **position}
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["detail"].startswith(f"line {position['line']}, column {position['column']}: ")
    assert (await served.ask(ana, "GET", RULES)).json()["data"] == []


ID = "00000000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"trigger": "message.sent"}, 422, "/trigger"),
        ({"automation_type": "scheduled"}, 422, "/automation_type"),
        ({"automation_type": "weird"}, 400, "/automation_type"),
        ({"automation_type": "follow_up"}, 422, "/pipeline_id"),
        ({"pipeline_id": ID}, 422, "/pipeline_id"),
        ({"actions": []}, 400, "/actions"),
        ({"actions": [{"action": "add_tag", "parameters": {"tag": "x"}}] * 21}, 400, "/actions"),
        ({"actions": [{"action": "explode"}]}, 422, "/actions/0/action"),
        ({"actions": [{"action": "send_email"}]}, 422, "/actions/0/action"),
        ({"actions": [{"action": "add_tag"}]}, 400, "/actions/0/parameters/tag"),
        ({"actions": [{"action": "add_tag", "parameters": {"tag": 5}}]}, 400, "/actions/0/parameters/tag"),
        ({"actions": [{"action": "add_tag", "parameters": {"tag": " "}}]}, 400, "/actions/0/parameters/tag"),
        ({"actions": [{"action": "add_tag", "parameters": {"tag": "x", "y": 1}}]}, 400, "/actions/0/parameters/y"),
        ({"actions": [{"action": "add_tag", "parameters": {"tag": "x"}, "delay_minutes": 5}]}, 422, "/actions/0/delay_minutes"),
        ({"actions": [{"action": "change_pipeline_status", "parameters": {"status_id": ID}}]}, 422, "/actions/0/parameters/status_id"),
        ({"actions": [{"action": "send_message", "parameters": {"content": "x", "channel_id": ID}}]}, 422,
         "/actions/0/parameters/channel_id"),
        ({"trigger_filter": {"shoe": 1}}, 400, "/trigger_filter/shoe"),
        ({"trigger_filter": {"channel_id": "x"}}, 400, "/trigger_filter/channel_id"),
        ({"trigger_filter": {"channel_id": [ID]}}, 422, "/trigger_filter/channel_id"),
        ({"conditions": [{"field": "contact.shoe", "operator": "eq", "value": 1}]}, 422, "/conditions/0/field"),
        ({"conditions": [{"field": "contact.name", "operator": "like", "value": 1}]}, 400, "/conditions/0/operator"),
        ({"conditions": [{"field": "contact.name", "operator": "eq", "value": None}]}, 400, "/conditions/0/value"),
        ({"conditions": [{"field": f"contact.pipeline.{ID}.value", "operator": "gt", "value": 1}]}, 422, "/conditions"),
        ({"expression": "true", "conditions": [{"field": "contact.name", "operator": "eq", "value": "x"}]}, 422, "/expression"),
        ({"expression": "true && " * 300 + "true"}, 400, "/expression"),
        ({"schedule": {"type": "daily"}}, 422, "/schedule"),
        ({"only_during_business_hours": True}, 422, "/only_during_business_hours"),
        ({"max_per_contact": {"count": 0}}, 400, "/max_per_contact/count"),
        ({"priority": -1}, 400, "/priority"),
        ({"colour": "red"}, 400, "/colour"),
    ],
)  # fmt: skip
async def test_what_could_not_run_is_refused_at_the_field(
    served: Served, ana: Caller, change: dict[str, Any], status: int, pointer: str
) -> None:
    answer = await served.ask(ana, "POST", RULES, json=body(**change))

    assert answer.status_code == status, answer.text
    assert pointer in [each["pointer"] for each in answer.json()["errors"]], answer.text


async def test_conditions_nested_without_end_are_refused(served: Served, ana: Caller) -> None:
    deep: dict[str, Any] = {"field": "contact.name", "operator": "eq", "value": "x"}
    for _ in range(100):
        deep = {"logic": "AND", "conditions": [deep]}

    answer = await served.ask(ana, "POST", RULES, json=body(conditions=[deep]))

    assert answer.status_code == 400


async def test_a_status_of_another_pipeline_is_refused(served: Served, ana: Caller) -> None:
    (one, _), (_, theirs) = await a_pipeline(served, ana), await a_pipeline(served, ana, "Outro")
    action = {"action": "change_pipeline_status", "parameters": {"pipeline_id": one, "status_id": theirs[0]}}

    answer = await served.ask(ana, "POST", RULES, json=body(actions=[action]))

    assert (answer.status_code, answer.json()["rule"]) == (422, "status_of_pipeline")


async def test_what_a_rule_names_is_not_deleted_under_it(served: Served, ana: Caller) -> None:
    await a_pipeline(served, ana, "Primeiro")
    pipeline, statuses = await a_pipeline(served, ana)
    action = {"action": "change_pipeline_status", "parameters": {"status_id": statuses[3]}}
    rule = await write(served, ana, automation_type="pipeline_based", pipeline_id=pipeline, actions=[action])

    refused = await served.ask(ana, "DELETE", f"/crm/pipelines/{pipeline}")
    used = await served.ask(ana, "DELETE", f"/crm/pipelines/{pipeline}/statuses/{statuses[3]}")
    free = await served.ask(ana, "DELETE", f"/crm/pipelines/{pipeline}/statuses/{statuses[2]}")
    await served.ask(ana, "DELETE", f"{RULES}/{rule['id']}")
    gone = await served.ask(ana, "DELETE", f"/crm/pipelines/{pipeline}")

    assert (refused.status_code, used.status_code, free.status_code, gone.status_code) == (409, 409, 204, 204)


async def test_a_project_has_two_hundred_enabled_rules_at_most(served: Served, ana: Caller) -> None:
    rule = await write(served, ana)
    await served.administrator.execute(
        "insert into pipeline_automation.automation_rules select (r).* from (select jsonb_populate_record(r, jsonb_build_object("
        "'id', gen_random_uuid())) as r from pipeline_automation.automation_rules r, generate_series(1, 199)) r"
    )

    assert (await served.ask(ana, "POST", RULES, json=body())).json()["code"] == "too_many"
    assert (await served.ask(ana, "POST", RULES, json=body(enabled=False))).status_code == 201
    assert (await served.ask(ana, "PATCH", f"{RULES}/{rule['id']}", json={"name": "still"})).status_code == 200


async def test_another_tenants_rule_is_not_there(served: Served, ana: Caller) -> None:
    rule = await write(served, ana)
    stranger = a_caller(new_id(), ana.project_id)

    answers = [
        await served.ask(stranger, "GET", f"{RULES}/{rule['id']}"),
        await served.ask(stranger, "PATCH", f"{RULES}/{rule['id']}", json={"name": "x"}),
        await served.ask(stranger, "POST", f"{RULES}/{rule['id']}/disable"),
        await served.ask(stranger, "POST", f"{RULES}/{rule['id']}/duplicate"),
        await served.ask(stranger, "POST", f"{RULES}/{rule['id']}/dry-run", json={}),
        await served.ask(stranger, "GET", f"{RULES}/{rule['id']}/executions"),
        await served.ask(stranger, "DELETE", f"{RULES}/{rule['id']}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 7
    assert (await served.ask(stranger, "GET", RULES)).json()["data"] == []


async def test_only_administrators_delete_and_viewers_only_look(served: Served, ana: Caller) -> None:
    rule = await write(served, ana)
    path = f"{RULES}/{rule['id']}"
    viewer, supervisor = (a_caller(ana.tenant_id, ana.project_id, role=role) for role in ("viewer", "supervisor"))

    assert (await served.ask(viewer, "GET", path)).status_code == 200
    assert (await served.ask(viewer, "PATCH", path, json={"name": "x"})).status_code == 403
    assert (await served.ask(supervisor, "PATCH", path, json={"name": "x"})).status_code == 200
    assert (await served.ask(supervisor, "DELETE", path)).status_code == 403
