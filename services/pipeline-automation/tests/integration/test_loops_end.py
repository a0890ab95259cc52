"""Rules that set each other off come to an end, and people are told."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.cause import Cause
from kernel.ids import new_id
from pipeline_automation.application.switch_rule import switch_rule
from pipeline_automation.bootstrap import work_of

MOVES = st.lists(
    st.tuples(st.sampled_from(["Novo", "Em atendimento", "Ganho", "Perdido"]), st.sampled_from(["Novo", "Em atendimento", "Ganho"])),
    min_size=1,
    max_size=6,
)  # fmt: skip


async def run_until_silent(reactions: Any, *events: Any, most: int = 60) -> list[Any]:
    """Let the service hear what it says of contacts that move, until it says no more."""
    said, waiting = [], list(events)
    for _ in range(most):
        if not waiting:
            return said
        news = await reactions.hear(*waiting)
        said += news
        waiting = [each for each in news if each.type == "contact.pipeline_status_changed.v1"]
    raise AssertionError("the rules never came to an end")


async def test_two_rules_that_answer_each_other_end(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    there = await reactions.rule(
        place, "status.changed", reactions.move(place.statuses["Ganho"]),
        trigger_filter={"new_status_id": place.statuses["Novo"]},
    )  # fmt: skip
    back = await reactions.rule(
        place, "status.changed", reactions.move(place.statuses["Novo"]),
        trigger_filter={"new_status_id": place.statuses["Ganho"]},
    )  # fmt: skip

    said = await run_until_silent(reactions, reactions.moved(place, ana, None, "Novo"))

    assert await reactions.states(there) == [("succeeded", None), ("skipped", "same_chain")]
    assert await reactions.states(back) == [("succeeded", None)]
    loops = [each.data for each in said if each.type == "automation_rule.loop_detected.v1"]
    assert [(each.rule_id, each.kind, each.contact_id) for each in loops] == [(there, "same_rule", ana)]


@given(moves=MOVES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_rules_that_move_on_moves_end(reactions: Any, moves: list[tuple[str, str]]) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    for old, new in moves:
        await reactions.rule(
            place, "status.changed", reactions.move(place.statuses[new]),
            trigger_filter={"new_status_id": place.statuses[old]},
        )  # fmt: skip

    said = await run_until_silent(reactions, reactions.moved(place, ana, None, "Novo"))

    assert sum(each.type == "automation_rule.executed.v1" for each in said) <= len(moves)
    assert max((each.hop for each in said), default=0) <= 6


async def test_a_rule_has_a_budget_for_each_contact_and_people_are_told_once_an_hour(reactions: Any) -> None:
    ana, bia = new_id(), new_id()
    place = await reactions.a_place(ana, bia)
    rule = await reactions.rule(place, "message.received", reactions.tag("x"), max_count=3, max_hours=1)

    said = await reactions.hear(*(reactions.message(place, ana) for _ in range(2)), reactions.message(place, bia))
    for _ in range(3):
        said += await reactions.hear(*(reactions.message(place, ana) for _ in range(2)))

    told = [each.data for each in said if each.type == "automation_rule.loop_detected.v1"]
    assert [(each.rule_id, each.kind, each.contact_id) for each in told] == [(rule, "budget", ana)]
    states = await reactions.states(rule)
    assert states == [("succeeded", None)] * 4 + [("skipped", "budget")] * 5
    reactions.now += timedelta(minutes=61)
    again = await reactions.hear(*(reactions.message(place, ana) for _ in range(4)))
    assert [each.data.kind for each in again if each.type == "automation_rule.loop_detected.v1"] == ["budget"]
    assert (await reactions.states(rule))[9:] == [("succeeded", None)] * 3 + [("skipped", "budget")]


async def test_automation_that_talks_to_a_machine_pauses_in_that_chat(reactions: Any) -> None:
    ana, bia = new_id(), new_id()
    place = await reactions.a_place(ana, bia)
    rules = [
        await reactions.rule(place, "message.received", reactions.say("eco"), reactions.tag("x"), max_count=100)
        for _ in range(2)
    ]

    said = []
    for _ in range(12):
        reactions.now += timedelta(seconds=10)
        said += await reactions.hear(reactions.message(place, ana))
    said += await reactions.hear(reactions.message(place, bia))

    messages = [each.data.contact_id for each in said if each.type == "message.compose_requested.v1"]
    assert (messages.count(ana), messages.count(bia)) == (20, 2)
    told = [each.data for each in said if each.type == "automation_rule.loop_detected.v1"]
    assert [(each.kind, each.chat_key) for each in told] == [("ping_pong", f"{place.channel}:{ana}")]
    held = [row for row in await reactions.executions(*rules) if row["actions"][0]["outcome"] == "skipped"]
    assert [row["actions"][0]["detail"] for row in held] == ["chat_paused"] * 4
    assert {row["state"] for row in held} == {"succeeded"}
    assert {row["actions"][1]["outcome"] for row in held} == {"done"}
    reactions.now += timedelta(minutes=59)
    assert "message.compose_requested.v1" not in [e.type for e in await reactions.hear(reactions.message(place, ana))]
    reactions.now += timedelta(minutes=2)
    assert "message.compose_requested.v1" in [e.type for e in await reactions.hear(reactions.message(place, ana))]


async def test_a_rule_that_only_fails_is_disabled_with_the_reason(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(place, "message.received", reactions.say("{{ email }}"), max_count=100)

    said = await reactions.hear(*(reactions.message(place, ana) for _ in range(19)))
    assert "automation_rule.disabled.v1" not in [each.type for each in said]
    said = await reactions.hear(reactions.message(place, ana))

    (disabled,) = [each for each in said if each.type == "automation_rule.disabled.v1"]
    assert (disabled.data.rule_id, disabled.data.reason, disabled.actor) == (
        rule,
        "errors",
        "system:pipeline-automation",
    )
    (row,) = await reactions.line.rows("select enabled, disabled_reason, version from automation_rules")
    assert tuple(row) == (False, "errors", 2)
    assert await reactions.hear(reactions.message(place, ana)) == []
    assert len(await reactions.states(rule)) == 20


async def test_a_rule_that_is_enabled_again_begins_anew(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(place, "message.received", reactions.say("{{ email }}"), max_count=100)
    await reactions.hear(*(reactions.message(place, ana) for _ in range(20)))
    reactions.now += timedelta(minutes=1)
    by = Cause(tenant_id=place.tenant, actor="user:x", correlation_id=new_id())
    async with reactions.works.begin([place.tenant]) as work:
        await switch_rule(rule, enabled=True, by=by, work=work_of(work))

    said = await reactions.hear(*(reactions.message(place, ana) for _ in range(19)))
    assert "automation_rule.disabled.v1" not in [each.type for each in said]
    said = await reactions.hear(reactions.message(place, ana))
    assert "automation_rule.disabled.v1" in [each.type for each in said]


async def test_one_success_keeps_a_failing_rule_alive(reactions: Any) -> None:
    ana, bia = new_id(), new_id()
    place = await reactions.a_place(ana)
    await reactions.hear(reactions.event(place, reactions.a_contact(place, bia, email="bia@example.org")))
    rule = await reactions.rule(place, "message.received", reactions.say("{{ email }}"), max_count=100)

    await reactions.hear(*(reactions.message(place, ana) for _ in range(19)))
    reactions.now += timedelta(seconds=1)
    await reactions.hear(reactions.message(place, bia))
    reactions.now += timedelta(seconds=1)
    said = await reactions.hear(*(reactions.message(place, ana) for _ in range(19)))

    assert "automation_rule.disabled.v1" not in [each.type for each in said]
    assert len(await reactions.states(rule)) == 39


async def test_a_rule_that_runs_a_thousand_times_a_minute_is_disabled(reactions: Any) -> None:
    contacts = [new_id() for _ in range(26)]
    place = await reactions.a_place(*contacts)
    rule = await reactions.rule(place, "message.received", reactions.tag("x"), max_count=1000)

    said = []
    for size in (500, 500, 30):
        events = [reactions.message(place, contacts[number % 26]) for number in range(size)]
        said = await reactions.hear(*events)

    assert [each.data.reason for each in said] == ["budget"]
    states = await reactions.states(rule)
    assert states == [("succeeded", None)] * 1000 + [("skipped", "too_busy")] * 30


@pytest.mark.parametrize("on_error", ["stop", "continue"])
async def test_a_refused_wish_marks_its_action_and_nothing_else(reactions: Any, on_error: str) -> None:
    ana = new_id()
    place, other = await reactions.a_place(ana), await reactions.a_place()
    rule = await reactions.rule(
        place, "message.received", reactions.say("a"), reactions.tag("b"), reactions.tag("c"), on_error=on_error
    )
    said = await reactions.hear(reactions.message(place, ana), reactions.message(place, ana))
    messages = [each for each in said if each.type == "message.compose_requested.v1"]
    tags = [each for each in said if each.type == "contact.tag_add_requested.v1"]

    refusal = reactions.refused(place, tags[0])
    failure = reactions.failed(place, messages[1].data.message_id)
    for _ in range(2):
        assert await reactions.hear(refusal, inbox=False) == []
        assert await reactions.hear(failure, inbox=False) == []
    # In one batch with ours, so that the wall alone would not keep others' refusals out.
    await reactions.hear(refusal, reactions.refused(other, tags[1]))
    await reactions.hear(failure, reactions.failed(other, messages[0].data.message_id))
    await reactions.hear(reactions.failed(place, messages[0].data.message_id, source="manual"))

    first, second = await reactions.executions(rule)
    state = "failed" if on_error == "stop" else "partly_failed"
    assert [each["outcome"] for each in first["actions"]] == ["done", "refused", "done"]
    assert first["actions"][1]["detail"] == "not_found: no such contact"
    assert [each["outcome"] for each in second["actions"]] == ["refused", "done", "done"]
    assert second["actions"][0]["detail"] == "opted_out: the contact wants no marketing"
    assert (first["state"], second["state"]) == (state, state)


async def test_a_rule_whose_wishes_are_always_refused_is_disabled_too(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(place, "message.received", reactions.tag("x"), max_count=100)
    said = await reactions.hear(*(reactions.message(place, ana) for _ in range(20)))
    wishes = [each for each in said if each.type == "contact.tag_add_requested.v1"]

    assert await reactions.hear(*(reactions.refused(place, wish) for wish in wishes[:19])) == []
    (disabled,) = await reactions.hear(reactions.refused(place, wishes[19]))

    assert (disabled.type, disabled.data.rule_id, disabled.data.reason) == (
        "automation_rule.disabled.v1",
        rule,
        "errors",
    )
