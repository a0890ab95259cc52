"""Trying a rule before it runs: on a sample, on one event, on the last events; and reading what it did. Nothing is said."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from contracts.envelope import first_event
from contracts.message.received_v1 import MessageReceivedV1
from kernel.ids import new_id
from pipeline_automation.bootstrap import work_of
from pipeline_automation.entrypoints.events.on_message_received import on_message_received
from testkit.serving import Served
from web.caller import Caller

RULES = "/automation/rules"
CHANNEL = new_id()


async def a_rule(served: Served, caller: Caller, **more: Any) -> str:
    rule = {
        "automation_type": "event",
        "name": "preço",
        "trigger": "message.received",
        "conditions": [{"field": "text", "operator": "contains", "value": "preço"}],
        "actions": [
            {"action": "send_message", "parameters": {"content": "Olá {{ contact.first_name }}"}},
            {"action": "add_tag", "parameters": {"tag": "lead"}},
        ],
        **more,
    }
    answer = await served.ask(caller, "POST", RULES, json=rule)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def writes(served: Served, caller: Caller, contact: str, *texts: str) -> list[str]:
    """Let a contact write; return the ids of the events."""
    now = datetime.now(UTC)
    events = []
    for text in texts:
        data = MessageReceivedV1(
            message_id=new_id(),
            chat_id=new_id(),
            chat_key=f"{CHANNEL}:{contact}",
            chat_type="individual",
            channel_id=CHANNEL,
            channel_type="waha",
            provider_message_id=new_id(),
            content=msgspec.Raw(msgspec.json.encode({"type": "text", "text": text})),
            origin="live",
            late=False,
            sequence=1,
            occurred_at=now,
            received_at=now,
            contact_id=contact,
        )
        events.append(
            first_event(
                data,
                id=new_id(),
                source="messaging",
                subject=data.message_id,
                time=now,
                tenant_id=caller.tenant_id,
                project_id=caller.project_id,
                partition_key=data.chat_key,
                correlation_id=new_id(),
                actor="provider:waha",
            )
        )
    async with served.parts.works.begin([caller.tenant_id]) as work:
        await on_message_received(events, work_of(work))
    return [event.id for event in events]


async def test_a_new_rule_is_tried_on_what_was_heard_before_it_was_written(
    served: Served, ana: Caller, knows: Any
) -> None:
    ze = await knows("Zé Lima")
    events = await writes(served, ana, ze, "bom dia", "qual o preço?", "e o preço do outro?")
    rule = await a_rule(served, ana, enabled=False)
    before = await served.said()

    answer = await served.ask(ana, "POST", f"{RULES}/{rule}/dry-run", json={"last": 2})
    tried = answer.json()

    assert answer.status_code == 200, answer.text
    assert (tried["events"], tried["matched"], tried["complete"]) == (2, 2, True)
    assert [each["event_id"] for each in tried["data"]] == [events[2], events[1]]
    (first, _) = tried["data"]
    assert first["conditions"] == [
        {"field": "text", "operator": "contains", "value": "preço", "actual": "e o preço do outro?", "result": True}
    ]
    assert first["actions"] == [
        {"index": 0, "code": "send_message", "rendered": {"content": "Olá Zé"}, "would_run": True, "detail": None},
        {"index": 1, "code": "add_tag", "rendered": {"tag": "lead"}, "would_run": True, "detail": None},
    ]
    everything = (await served.ask(ana, "POST", f"{RULES}/{rule}/dry-run")).json()
    assert [each["matched"] for each in everything["data"]] == [True, True, False]
    assert [each["reason"] for each in everything["data"]] == [None, None, "conditions"]
    assert await served.said() == before
    assert (await served.ask(ana, "GET", f"{RULES}/{rule}/executions")).json()["data"] == []


async def test_a_dry_run_looks_only_at_its_own_project_and_trigger(served: Served, ana: Caller, knows: Any) -> None:
    await writes(served, ana, await knows(), "preço")
    other = await a_rule(served, ana, trigger="session.ended", conditions=[])

    assert (await served.ask(ana, "POST", f"{RULES}/{other}/dry-run", json={"last": 500})).json()["events"] == 0
    for last in (0, 501):
        answer = await served.ask(ana, "POST", f"{RULES}/{other}/dry-run", json={"last": last})
        assert answer.json()["errors"][0]["pointer"] == "/last"


async def test_a_rule_is_tried_on_a_sample_and_on_one_event(served: Served, ana: Caller, knows: Any) -> None:
    ze = await knows("Zé Lima")
    (event,) = await writes(served, ana, ze, "preço")
    rule = await a_rule(served, ana)

    async def tried(body: Any) -> Any:
        return await served.ask(ana, "POST", f"{RULES}/{rule}/test", json=body)

    sample = (await tried({"event": {"text": "o preço", "contact_id": ze}})).json()
    assert (sample["matched"], sample["actions"][0]["rendered"]) == (True, {"content": "Olá Zé"})
    nobody = (await tried({"event": {"text": "o preço"}})).json()
    assert [(each["would_run"], each["detail"]) for each in nobody["actions"]] == [
        (False, "missing_variable: contact.first_name is undefined"),
        (False, "stopped"),
    ]
    assert (await tried({"event": {"text": "oi"}})).json()["reason"] == "conditions"
    assert (await tried({"event_id": event})).json()["matched"] is True
    assert (await tried({"event_id": new_id()})).status_code == 404
    wrong = (await tried({"event": {"words": "x", "contact_id": "y"}})).json()
    assert [(each["pointer"], each["code"]) for each in wrong["errors"]] == [
        ("/event/words", "unknown_field"),
        ("/event/contact_id", "wrong_type"),
    ]
    assert (await tried({})).status_code == (await tried({"event": {}, "event_id": event})).status_code == 400


async def test_executions_are_listed_with_what_matched_and_what_did_not(
    served: Served, ana: Caller, knows: Any
) -> None:
    ze, bia = await knows("Zé"), await knows("Bia")
    rule = await a_rule(served, ana)
    hit, _ = await writes(served, ana, ze, "o preço", "obrigado")
    await writes(served, ana, bia, "preço?")
    path = f"{RULES}/{rule}/executions"

    listed = (await served.ask(ana, "GET", path)).json()["data"]

    assert [(each["state"], each["reason"], each["contact_id"]) for each in listed] == [
        ("succeeded", None, bia),
        ("skipped", "conditions", ze),
        ("succeeded", None, ze),
    ]
    oldest = listed[2]
    assert set(oldest) == {
        "id", "tenant_id", "project_id", "rule_id", "revision", "event_id", "trigger", "contact_id", "session_id", "state", "matched",
        "conditions", "actions", "reason", "hop", "created_at", "finished_at",
    }  # fmt: skip
    assert (oldest["event_id"], [each["outcome"] for each in oldest["actions"]]) == (hit, ["done", "done"])

    async def count(query: str) -> int:
        return len((await served.ask(ana, "GET", path + query)).json()["data"])

    assert await count("?state=succeeded") == await count("?matched=true") == await count(f"?contact_id={ze}") == 2
    assert await count("?created_after=2020-01-01T00:00:00Z") == 3
    assert await count("?created_before=2020-01-01T00:00:00Z") == 0
    page = (await served.ask(ana, "GET", f"{path}?limit=2")).json()
    rest = (await served.ask(ana, "GET", f"{path}?limit=2&cursor={page['next_cursor']}")).json()
    assert [each["id"] for each in page["data"] + rest["data"]] == [each["id"] for each in listed]
    read = (await served.ask(ana, "GET", f"{RULES}/{rule}")).json()
    assert read["last_executed_at"] == listed[0]["created_at"]
