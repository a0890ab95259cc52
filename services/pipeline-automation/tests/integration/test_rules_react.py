"""Rules on a real database: what starts them, what holds them back, and what they wish for."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from kernel.ids import new_id

SYSTEM = "00000000-0000-0000-0000-000000000003"


def types(said: list[Any]) -> list[str]:
    return [event.type.removesuffix(".v1") for event in said]


def texts(said: list[Any]) -> list[str]:
    return [
        msgspec.json.decode(event.data.content)["text"]
        for event in said
        if event.type == "message.compose_requested.v1"
    ]


async def test_a_message_starts_a_rule_and_everything_it_says_names_the_rule(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(
        place,
        "message.received",
        reactions.say("Olá {{ contact.first_name }}, você escreveu {{ trigger.text }}"),
        reactions.tag("lead"),
        reactions.untag("frio"),
        reactions.move(place.statuses["Em atendimento"]),
        conditions=[{"field": "text", "operator": "contains", "value": "PREÇO"}],
    )
    event = reactions.message(place, ana, "qual o preço?", session_id=new_id(), hop=2)

    said = await reactions.hear(event)

    assert types(said) == [
        "automation_rule.triggered",
        "message.compose_requested",
        "contact.tag_add_requested",
        "contact.tag_remove_requested",
        "contact.pipeline_status_changed",
        "automation_rule.executed",
    ]
    for each in said:
        assert (each.actor, each.hop, each.causationid, each.correlationid) == (
            f"rule:{rule}",
            3,
            event.id,
            event.correlationid,
        )
    triggered, message, added, removed, changed, executed = (each.data for each in said)
    assert msgspec.json.decode(message.content) == {"type": "text", "text": "Olá Ana, você escreveu qual o preço?"}
    assert (message.sender.kind, message.sender.id, message.source) == ("system", SYSTEM, "trigger")
    assert (message.purpose, message.priority) == ("marketing", "high")
    assert (message.chat_key, message.contact_id, message.channel_id) == (event.data.chat_key, ana, place.channel)
    assert (message.session_id, said[1].partitionkey) == (event.data.session_id, event.data.chat_key)
    assert (message.origin_ref.kind, message.origin_ref.id, message.origin_ref.action_index) == ("rule", rule, 0)
    assert (added.contact_ids, added.tag, added.execution_ref.action_index) == ((ana,), "lead", 1)
    assert (removed.tag, removed.execution_ref.execution_id) == ("frio", triggered.execution_id)
    assert (changed.new_status_name, changed.changed_by) == ("Em atendimento", f"rule:{rule}")
    assert [each.outcome for each in executed.action_results] == ["done"] * 4
    (row,) = await reactions.executions(rule)
    assert (row["state"], row["matched"], row["event"], row["hop"], row["revision"]) == (
        "succeeded",
        True,
        event.id,
        2,
        1,
    )
    assert str(row["id"]) == triggered.execution_id == message.origin_ref.execution_id
    assert row["actions"][0] == {
        "index": 0,
        "action": "send_message",
        "outcome": "done",
        "message_id": message.message_id,
    }
    assert row["conditions"][0]["actual"] == "qual o preço?"


async def test_what_did_not_match_is_kept_with_the_reason(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(
        place,
        "message.received",
        conditions=[
            {"field": "text", "operator": "contains", "value": "preço"},
            {"field": "contact.name", "operator": "contains", "value": "ana"},
        ],
    )

    assert await reactions.hear(reactions.message(place, ana, "bom dia")) == []

    (row,) = await reactions.executions(rule)
    assert (row["state"], row["reason"], row["matched"], row["actions"]) == ("skipped", "conditions", False, [])
    assert [each["result"] for each in row["conditions"]] == [False, True]
    assert row["keep_until"] - row["created_at"] == timedelta(days=7)


@pytest.mark.parametrize("purpose", [True, False])
async def test_a_transactional_rule_speaks_of_service(reactions: Any, purpose: bool) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    await reactions.rule(place, "session.ended", transactional=purpose)

    _, message, _ = await reactions.hear(reactions.session_ended(place, ana))

    assert message.data.purpose == ("service" if purpose else "marketing")
    assert message.data.priority == "normal"


async def test_every_trigger_starts_its_rules(reactions: Any) -> None:
    ana, bia = new_id(), new_id()
    place = await reactions.a_place(ana)
    for trigger in ("session.started", "session.ended", "status.changed", "contact.created"):
        await reactions.rule(place, trigger, reactions.tag(trigger))
    await reactions.rule(
        place, "contact.entered_pipeline", reactions.tag("entered"), trigger_filter={"pipeline_id": place.pipeline}
    )

    said = await reactions.hear(reactions.session_started(place, ana))
    said += await reactions.hear(reactions.session_ended(place, ana))
    said += await reactions.hear(reactions.moved(place, ana, "Novo", "Ganho"))
    created = await reactions.hear(reactions.event(place, reactions.a_contact(place, bia)))
    entered = [each for each in created if each.type == "contact.entered_pipeline.v1"]
    said += created + await reactions.hear(*entered)

    tags = [each.data.tag for each in said if each.type == "contact.tag_add_requested.v1"]
    assert tags == ["session.started", "session.ended", "status.changed", "contact.created", "entered"]


@pytest.mark.parametrize(
    ("filter", "starts"),
    [
        ({}, True),
        ({"channel_id": "own"}, True),
        ({"channel_id": ["own"]}, True),
        ({"channel_id": "other"}, False),
        ({"content_type": ["image", "text"]}, True),
        ({"content_type": "image"}, False),
        ({"tag": "VIP"}, True),
        ({"tag": ["x"]}, False),
    ],
)
async def test_filters_choose_events(reactions: Any, filter: dict[str, Any], starts: bool) -> None:
    ana = new_id()
    place = await reactions.a_place(ana, tags=("vip",))
    for name, value in {"own": place.channel, "other": new_id()}.items():
        await reactions.line.administrator.execute(
            "insert into channels (tenant_id, id, project_id, version, name, type) values ($1, $2, $3, 1, $4, 'waha')",
            *(place.tenant, value, place.project, name),
        )
        filter = {key: _put(each, name, value) for key, each in filter.items()}
    rule = await reactions.rule(place, "message.received", trigger_filter=filter)

    await reactions.hear(reactions.message(place, ana))

    assert await reactions.states(rule) == ([("succeeded", None)] if starts else [])


def _put(value: Any, name: str, by: str) -> Any:
    return [_put(each, name, by) for each in value] if isinstance(value, list) else by if value == name else value


async def test_bound_rules_look_only_at_contacts_in_their_pipeline(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(
        place, "message.received", automation_type="pipeline_based", pipeline_id=place.pipeline,
        conditions=[{"field": "status_id", "operator": "eq", "value": place.statuses["Novo"]}],
    )  # fmt: skip

    await reactions.hear(reactions.message(place, ana))
    await reactions.line.administrator.execute("update placements set exited_at = entered_at, exited_by = 'user:x'")
    await reactions.hear(reactions.message(place, ana))

    assert await reactions.states(rule) == [("succeeded", None)]


async def test_groups_are_for_rules_that_name_them(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    deaf = await reactions.rule(place, "message.received")
    filtered = await reactions.rule(place, "message.received", trigger_filter={"chat_type": ["group"]})
    asked = await reactions.rule(place, "message.received", expression="message.chat_type == 'group'")
    leaf = {"field": "chat_type", "operator": "in", "value": ["group", "individual"]}
    listed = await reactions.rule(place, "message.received", conditions=[leaf])

    said = await reactions.hear(reactions.message(place, ana, chat_type="group", chat_key="c:1@g.us"))

    ran = [("succeeded", None)]
    assert [await reactions.states(rule) for rule in (deaf, filtered, asked, listed)] == [[], ran, ran, ran]
    assert {each.data.chat_key for each in said if each.type == "message.compose_requested.v1"} == {"c:1@g.us"}


async def test_old_events_deleted_contacts_and_deep_chains_start_nothing_and_say_why(reactions: Any) -> None:
    ana, bia = new_id(), new_id()
    place = await reactions.a_place(ana, bia)
    rule = await reactions.rule(place, "message.received", max_event_age_minutes=60)
    whenever = await reactions.rule(place, "message.received", max_event_age_minutes=0)
    await reactions.hear(reactions.deleted(place, bia))
    hour = timedelta(minutes=60)

    await reactions.hear(reactions.message(place, ana, late=True, occurred_at=reactions.now - hour))
    await reactions.hear(
        reactions.message(place, ana, late=True, occurred_at=reactions.now - hour - timedelta(seconds=1))
    )
    await reactions.hear(reactions.message(place, bia))
    said = await reactions.hear(reactions.message(place, ana, hop=6))
    await reactions.hear(reactions.message(place, ana, hop=5))
    await reactions.hear(reactions.message(place, ana, actor=f"rule:{rule}"))

    late, ran = ("skipped", "too_old"), ("succeeded", None)
    gone, deep = ("skipped", "contact_deleted"), ("skipped", "hop")
    assert await reactions.states(rule) == [ran, late, gone, deep, ran, ("skipped", "own_effect")]
    assert await reactions.states(whenever) == [ran, ran, gone, deep, ran, ran]
    assert [(each.data.rule_id, each.data.kind) for each in said] == [(rule, "hop"), (whenever, "hop")]


async def test_history_triggers_nothing(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rules = [await reactions.rule(place, trigger) for trigger in ("message.received", "session.started")]

    assert await reactions.hear(reactions.message(place, ana, origin="history")) == []
    assert await reactions.hear(reactions.session_started(place, ana, origin="history")) == []
    await reactions.hear(reactions.message(place, ana, origin="reconciled"))

    assert await reactions.states(*rules) == [("succeeded", None)]


async def test_an_error_in_an_expression_is_told_and_holds_nothing_up(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(place, "message.received", expression="contact.custom.plan == 'gold'")
    other = await reactions.rule(place, "message.received")

    await reactions.hear(reactions.message(place, ana))

    (row,) = await reactions.executions(rule)
    assert (row["state"], row["reason"]) == ("skipped", "condition_error")
    assert "KeyError" in row["conditions"][0]["note"]
    assert await reactions.states(other) == [("succeeded", None)]


@pytest.mark.parametrize(
    ("on_error", "state", "outcomes"),
    [("stop", "failed", ["done", "failed", "skipped"]), ("continue", "partly_failed", ["done", "failed", "done"])],
)
async def test_a_failing_action_stops_the_rule_or_not_and_never_the_others(
    reactions: Any, on_error: str, state: str, outcomes: list[str]
) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    actions = (reactions.tag("a"), reactions.say("{{ email }}"), reactions.tag("b"))
    rule = await reactions.rule(place, "message.received", *actions, on_error=on_error)
    other = await reactions.rule(place, "message.received", reactions.tag("c"), priority=1)

    said = await reactions.hear(reactions.message(place, ana))

    (row,) = await reactions.executions(rule)
    assert (row["state"], [each["outcome"] for each in row["actions"]]) == (state, outcomes)
    assert row["actions"][1]["detail"].startswith("missing_variable")
    (failed,) = [each.data for each in said if each.type == "automation_rule.failed.v1"]
    assert (failed.failed_index, failed.error.partition(":")[0]) == (1, "missing_variable")
    assert await reactions.states(other) == [("succeeded", None)]
    assert texts(said) == []


async def test_a_refused_move_stops_what_comes_after_it(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    actions = (reactions.tag("a"), reactions.move(place.statuses["Ganho"]), reactions.say("parabéns"))
    rule = await reactions.rule(place, "message.received", *actions)
    await reactions.line.administrator.execute("update statuses set active = false where name = 'Ganho'")

    said = await reactions.hear(reactions.message(place, ana))

    (row,) = await reactions.executions(rule)
    assert [each["outcome"] for each in row["actions"]] == ["done", "refused", "skipped"]
    assert (row["state"], texts(said)) == ("failed", [])


async def test_moves_of_one_batch_happen_in_the_order_of_its_events(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    for word, status in (("sim", "Ganho"), ("não", "Perdido")):
        await reactions.rule(
            place, "message.received", reactions.tag(word), reactions.move(place.statuses[status]),
            conditions=[{"field": "text", "operator": "eq", "value": word}],
        )  # fmt: skip

    said = await reactions.hear(*(reactions.message(place, ana, word) for word in ("não", "sim", "não", "sim")))

    moves = [each.data.new_status_name for each in said if each.type == "contact.pipeline_status_changed.v1"]
    assert moves == ["Perdido", "Ganho", "Perdido", "Ganho"]


async def test_rules_run_by_priority_and_age(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    for name, priority in (("c", 5), ("a", 0), ("b", 0)):
        reactions.now += timedelta(seconds=1)
        await reactions.rule(place, "message.received", reactions.say(name), priority=priority)

    said = await reactions.hear(reactions.message(place, ana, "1"), reactions.message(place, ana, "2"))

    assert texts(said) == ["a", "b", "c", "a", "b", "c"]


async def test_two_tenants_in_one_batch_have_their_own_rules_and_contacts(reactions: Any) -> None:
    ana, bia = new_id(), new_id()
    one, other = await reactions.a_place(ana), await reactions.a_place(bia, name="Bia")
    mine = await reactions.rule(one, "message.received", reactions.say("um {{ name }}"))
    theirs = await reactions.rule(other, "message.received", reactions.say("dois {{ name }}"))

    said = await reactions.hear(
        reactions.message(one, ana), reactions.message(other, bia), reactions.message(one, ana, "de novo")
    )

    assert texts(said) == ["um Ana Souza", "dois Bia", "um Ana Souza"]
    assert {each.tenantid for each in said if each.subject == mine} == {one.tenant}
    assert {each.tenantid for each in said if each.subject == theirs} == {other.tenant}
    rows = await reactions.executions(mine, theirs)
    assert [(str(row["tenant_id"]), row["rule"]) for row in rows] == [
        (one.tenant, mine),
        (other.tenant, theirs),
        (one.tenant, mine),
    ]


async def test_a_rule_for_a_contact_without_a_chat_leaves_the_channel_to_messaging_unless_it_names_one(
    reactions: Any,
) -> None:
    ana, channel = new_id(), new_id()
    place = await reactions.a_place(ana)
    await reactions.line.administrator.execute(
        "insert into channels (tenant_id, id, project_id, version, name, type) values ($1, $2, $3, 1, 'x', 'waha')",
        *(place.tenant, channel, place.project),
    )
    await reactions.rule(place, "status.changed", reactions.say("a"), reactions.say("b", channel_id=channel))

    said = await reactions.hear(reactions.moved(place, ana, "Novo", "Ganho"))

    messages = [each for each in said if each.type == "message.compose_requested.v1"]
    assert [
        (each.data.chat_key, each.data.contact_id, each.data.channel_id, each.partitionkey) for each in messages
    ] == [
        (None, ana, None, ana),
        (None, ana, channel, f"{channel}:{ana}"),
    ]


async def test_a_message_by_another_channel_than_the_events_goes_to_the_contact(reactions: Any) -> None:
    ana, channel = new_id(), new_id()
    place = await reactions.a_place(ana)
    await reactions.line.administrator.execute(
        "insert into channels (tenant_id, id, project_id, version, name, type) values ($1, $2, $3, 1, 'x', 'waha')",
        *(place.tenant, channel, place.project),
    )
    await reactions.rule(place, "message.received", reactions.say("a", channel_id=channel))

    _, message, _ = await reactions.hear(reactions.message(place, ana, session_id=new_id()))

    assert (message.data.chat_key, message.data.session_id, message.data.channel_id) == (None, None, channel)
