"""One execution for each rule and event, whatever is delivered again; and the same few statements for a batch of any size."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.ids import new_id
from pipeline_automation.adapters.forgetting import Forgetting
from pipeline_automation.adapters.rules_in_postgres import RulesInPostgres
from pipeline_automation.application.rule_book import RuleBook
from pipeline_automation.bootstrap import EXPRESSIONS, TEMPLATES, work_of
from pipeline_automation.domain.sampling import MOST_AT_ONCE
from pipeline_automation.entrypoints.events.on_message_received import on_message_received


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    """How many events there are, and in which batches they come, some again and again."""
    count = draw(st.integers(1, 6))
    again = draw(st.lists(st.integers(0, count - 1), max_size=10))
    order = draw(st.permutations([*range(count), *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    batches = [list(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return count, [batch for batch in batches if batch]


@pytest.mark.parametrize("inbox", [True, False])
@given(delivered=deliveries())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_delivered_again_runs_each_rule_once_for_each_event(
    reactions: Any, inbox: bool, delivered: tuple[int, list[list[int]]]
) -> None:
    count, batches = delivered
    ana = new_id()
    place = await reactions.a_place(ana)
    rules = [
        await reactions.rule(place, "message.received", reactions.say("a"), max_count=100),
        await reactions.rule(place, "message.received", reactions.tag("b"), max_count=100),
        await reactions.rule(
            place, "message.received", conditions=[{"field": "text", "operator": "eq", "value": "never"}]
        ),
    ]
    events = [reactions.message(place, ana, str(number)) for number in range(count)]

    said = []
    for batch in batches:
        # Without the inbox one batch holds an event once: that the inbox sees to, and nothing else could.
        numbers = batch if inbox else list(dict.fromkeys(batch))
        said += await reactions.hear(*(events[number] for number in numbers), inbox=inbox)

    rows = await reactions.executions(*rules)
    assert len(rows) == len({(row["rule"], row["event"]) for row in rows}) == 3 * count
    wishes = [each.type for each in said if each.type.endswith("_requested.v1")]
    assert sorted(wishes) == ["contact.tag_add_requested.v1"] * count + ["message.compose_requested.v1"] * count
    assert sum(each.type == "automation_rule.executed.v1" for each in said) == 2 * count


async def test_two_that_run_at_once_for_one_event_end_in_a_conflict_and_only_one_stays(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(place, "message.received")
    event = reactions.message(place, ana)

    async with reactions.works.begin([place.tenant]) as first, reactions.works.begin([place.tenant]) as second:
        await on_message_received([event], work_of(first))
        await second.connection.execute("set local lock_timeout = 100")
        # The second waits for the first, whose row it may not see yet; a lock that is not had in time repeats the whole batch.
        with pytest.raises(asyncpg.LockNotAvailableError):
            await on_message_received([event], work_of(second))
        second.said.clear()
        await second.connection.execute("rollback")
        await second.connection.execute("begin")
    assert await reactions.hear(event, inbox=False) == []
    assert await reactions.states(rule) == [("succeeded", None)]


async def test_a_changed_rule_does_not_run_again_for_an_event_that_it_saw(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    rule = await reactions.rule(place, "message.received")
    event = reactions.message(place, ana)
    await reactions.hear(event)
    await reactions.line.administrator.execute("update automation_rules set revision = 2")
    await reactions.line.administrator.execute("update rule_sets set revision = $1", new_id())

    assert await reactions.hear(event, inbox=False) == []

    (row,) = await reactions.executions(rule)
    assert row["revision"] == 1


async def test_a_change_counts_from_the_next_batch_on_in_every_replica(reactions: Any) -> None:
    place = await reactions.a_place()
    books = [RuleBook(EXPRESSIONS, TEMPLATES) for _ in range(2)]
    key = (place.tenant, place.project)

    async def seen_by(book: RuleBook) -> list[str]:
        async with reactions.works.begin([place.tenant]) as work:
            found = await book.of({key}, RulesInPostgres(work.connection, work.new_id))
        rules = found[key].by_trigger if key in found else {}
        return [rule.stored.id for of_trigger in rules.values() for rule in of_trigger]

    assert [await seen_by(book) for book in books] == [[], []]
    one = await reactions.rule(place, "message.received")
    assert [await seen_by(book) for book in books] == [[one], [one]]
    await reactions.rule(place, "session.ended", enabled=False)
    other = await reactions.rule(place, "session.ended", priority=1)
    assert [sorted(await seen_by(book)) for book in books] == [sorted([one, other])] * 2


@pytest.mark.parametrize(("rules", "statements"), [(0, 1), (20, 13)])
async def test_a_batch_costs_the_same_few_statements_whatever_its_size(
    reactions: Any, rules: int, statements: int
) -> None:
    contacts = [new_id() for _ in range(501)]
    place = await reactions.a_place(*contacts)
    await busy(reactions, place)
    for number in range(rules):
        actions = (reactions.say("a"), reactions.tag("b"), reactions.move(place.statuses["Ganho"]))
        never = [{"field": "text", "operator": "eq", "value": "never"}]
        await reactions.rule(place, "message.received", *actions, conditions=never if number else [])
    for batch in (contacts[:1], contacts[1:]):
        events = [reactions.message(place, contact) for contact in batch]
        reactions.line.statements.clear()
        said = await reactions.hear(*events)
        assert len(reactions.line.statements) == statements, reactions.line.statements
        # triggered, composed, tagged, moved, executed
        assert len(said) == (5 * len(batch) if rules else 0)


async def busy(reactions: Any, place: Any) -> None:
    """Fill the project's store of trigger events, as on a busy line."""
    await reactions.hear(*(reactions.message(place, None) for _ in range(MOST_AT_ONCE)))


async def test_a_project_with_rules_for_other_triggers_costs_one_statement(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(ana)
    await reactions.rule(place, "session.ended")
    await busy(reactions, place)
    reactions.line.statements.clear()

    await reactions.hear(reactions.message(place, ana))

    assert len(reactions.line.statements) == 1


async def test_one_transaction_asks_once_for_the_rules_of_its_projects(reactions: Any) -> None:
    ana = new_id()
    place, other = await reactions.a_place(ana), await reactions.a_place()
    for trigger in ("message.received", "session.started"):
        await reactions.rule(place, trigger)
    reactions.line.statements.clear()

    said = await reactions.hear(
        reactions.message(place, ana), reactions.session_started(place, ana), reactions.moved(place, ana, None, "Novo")
    )
    assert sum(each.type == "automation_rule.executed.v1" for each in said) == 2
    assert sum("rule_sets" in statement for statement in reactions.line.statements) == 1

    reactions.line.statements.clear()
    await reactions.hear(reactions.message(place, ana), reactions.session_started(other, new_id()))
    assert sum("rule_sets" in statement for statement in reactions.line.statements) == 2, (
        "another project, asked for late"
    )


async def test_what_disables_itself_counts_for_what_comes_after_it_in_the_same_transaction(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place()
    rule = await reactions.rule(place, "message.received", reactions.say("{{ email }}"), max_count=100)
    await reactions.hear(*(reactions.message(place, ana) for _ in range(20)))
    assert await reactions.states(rule) == [], "all wait for their contact"

    contact = reactions.event(place, reactions.a_contact(place, ana))
    said = await reactions.hear(contact, reactions.message(place, ana))

    assert "automation_rule.disabled.v1" in [each.type for each in said]
    assert await reactions.states(rule) == [("failed", None)] * 20


async def test_an_event_that_outran_its_contact_waits_for_it(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place()
    rule = await reactions.rule(
        place, "message.received", reactions.say("Olá {{ contact.first_name }} de {{ pipeline.name }}"),
        automation_type="pipeline_based", pipeline_id=place.pipeline,
    )  # fmt: skip
    first = reactions.message(place, ana, contact_name=None)

    assert await reactions.hear(first) == []
    assert await reactions.states(rule) == []
    said = await reactions.hear(reactions.event(place, reactions.a_contact(place, ana)))

    assert await reactions.states(rule) == [("succeeded", None)]
    (message,) = [each for each in said if each.type == "message.compose_requested.v1"]
    assert message.causationid == first.id
    assert b"Ana de Pipeline Principal" in bytes(message.data.content)
    assert await reactions.line.rows("select from waiting_triggers") == []


async def test_what_nobody_needs_any_more_is_forgotten(reactions: Any) -> None:
    ana = new_id()
    place, other = await reactions.a_place(ana), await reactions.a_place()
    rule = await reactions.rule(place, "message.received")
    never = [{"field": "text", "operator": "eq", "value": "never"}]
    miss = await reactions.rule(place, "message.received", conditions=never)
    forgetting = Forgetting(reactions.works)

    async def left() -> list[int]:
        counts = []
        for table in ("rule_executions", "rule_messages", "trigger_events"):
            counts.append((await reactions.line.rows(f"select count(*) from {table}"))[0]["count"])
        return counts

    await reactions.hear(reactions.message(place, ana), reactions.message(other, None))
    assert await left() == [2, 1, 3]  # the contact's own event is one, too
    reactions.now += timedelta(days=8)
    await forgetting.run_once()
    assert await left() == [1, 1, 0]
    assert (await reactions.states(rule), await reactions.states(miss)) == ([("succeeded", None)], [])
    reactions.now += timedelta(days=83)
    await forgetting.run_once()
    assert await left() == [0, 0, 0]


async def test_of_trigger_events_the_newest_two_thousand_of_a_project_stay(reactions: Any) -> None:
    ana = new_id()
    place, other = await reactions.a_place(ana), await reactions.a_place(new_id())
    await reactions.line.administrator.execute(
        "insert into trigger_events (tenant_id, id, project_id, trigger, heard, keep_until)"
        " select $1, gen_random_uuid(), $2, 'message.received', '{}', now() + interval '3650 days' from generate_series(1, 2100)",
        *(place.tenant, place.project),
    )

    await Forgetting(reactions.works).run_once()

    count = "select count(*) from trigger_events where tenant_id = $1"
    assert [(await reactions.line.rows(count, each.tenant))[0]["count"] for each in (place, other)] == [2000, 1]
