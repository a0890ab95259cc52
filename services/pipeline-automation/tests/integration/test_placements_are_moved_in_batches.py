"""Moves in batches on a real database: what a rule's actions become."""

import asyncio
from typing import Any

import pytest
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.envelope import AnyEvent
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1
from kernel.cause import Cause
from kernel.errors import DomainError
from kernel.ids import new_id
from pipeline_automation.application.move_placements import move_placements
from pipeline_automation.application.remove_status import remove_status
from pipeline_automation.bootstrap import work_of
from pipeline_automation.domain.placement import Move, Outcome
from pipeline_automation.entrypoints.events.on_contact_created import on_contact_created
from pipeline_automation.entrypoints.events.on_identity_project_created import on_identity_project_created

ONE, OTHER = new_id(), new_id()
PROJECT = new_id()
HISTORY = """
select p.tenant_id::text as tenant, p.contact_id::text as contact, s.name, p.entered_at, p.exited_at, p.changed_by, p.reason
from placements p join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id order by p.entered_at, p.id
"""


async def a_project(line: Any, tenant: str, *contacts: str) -> dict[str, str]:
    """Make a project with contacts at its first status; return the ids of its statuses by name."""
    project = IdentityProjectCreatedV1(
        project_id=PROJECT,
        name="Shop",
        is_default=True,
        timezone="UTC",
        country="BR",
        language="pt-BR",
        session_timeout_minutes=30,
        default_pipeline_id=new_id(),
        owner_user_id=new_id(),
        version=1,
    )
    await line.hears(on_identity_project_created, line.event(project, tenant, PROJECT))
    events = [
        ContactCreatedV1(
            contact_id=contact, name="Ana", name_source="push", origin="inbound", version=1, created_at=line.noon
        )
        for contact in contacts
    ]
    await line.hears(on_contact_created, *(line.event(each, tenant, PROJECT) for each in events))
    return {
        row["name"]: row["id"]
        for row in await line.rows("select name, id::text from statuses where tenant_id = $1", tenant)
    }


def a_move(contact: str, status: str, tenant: str = ONE, *, because: AnyEvent, hop: int | None = None) -> Move:
    """A rule's wish."""
    return Move(
        tenant_id=tenant,
        project_id=PROJECT,
        contact_id=contact,
        status_id=status,
        actor="rule:r1",
        because=because,
        hop=hop,
        reason="a rule",
    )


async def carry_out(line: Any, *moves: Move) -> tuple[list[Outcome], list[AnyEvent]]:
    async with line.works.begin({move.tenant_id for move in moves}) as work:
        outcomes = await move_placements(moves, work_of(work))
        return outcomes, list(work.said)


@pytest.fixture
def heard(line: Any) -> AnyEvent:
    """What a rule reacted to."""
    data = ContactCreatedV1(
        contact_id=new_id(), name="Ana", name_source="push", origin="inbound", version=1, created_at=line.noon
    )
    event: AnyEvent = line.event(data, ONE, PROJECT, hop=1)
    return event


async def test_a_rule_moves_a_contact_in_its_own_name_one_hop_further(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    statuses = await a_project(line, ONE, contact)

    (outcome,), (said,) = await carry_out(line, a_move(contact, statuses["Ganho"], because=heard, hop=2))

    assert (outcome.result, said.type) == ("moved", "contact.pipeline_status_changed.v1")
    assert (said.actor, said.hop, said.causationid, said.correlationid) == ("rule:r1", 2, heard.id, heard.correlationid)
    assert (said.data.previous_status_name, said.data.new_status_type, said.data.changed_by) == (
        "Novo",
        "won",
        "rule:r1",
    )
    first, second = await line.rows(HISTORY)
    assert (first["name"], second["name"], second["reason"]) == ("Novo", "Ganho", "a rule")
    assert first["exited_at"] == second["entered_at"]
    assert second["exited_at"] is None


async def test_equal_contacts_of_two_tenants_in_one_batch_are_not_mixed(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    one, other = await a_project(line, ONE, contact), await a_project(line, OTHER, contact)

    outcomes, said = await carry_out(
        line,
        a_move(contact, one["Ganho"], because=heard),
        a_move(contact, other["Perdido"], OTHER, because=heard),
        a_move(contact, one["Perdido"], OTHER, because=heard),
    )

    assert [outcome.result for outcome in outcomes] == ["moved", "moved", "refused"]
    rows = await line.rows(HISTORY)
    standing = {(row["tenant"], row["name"]) for row in rows if row["exited_at"] is None}
    assert standing == {(ONE, "Ganho"), (OTHER, "Perdido")}
    assert len(said) == 2


async def test_several_moves_of_one_contact_in_one_batch_follow_each_other(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    statuses = await a_project(line, ONE, contact)
    wanted = ["Em atendimento", "Ganho", "Ganho", "Novo"]

    outcomes, said = await carry_out(line, *(a_move(contact, statuses[name], because=heard) for name in wanted))

    assert [outcome.result for outcome in outcomes] == ["moved", "moved", "unchanged", "moved"]
    rows = await line.rows(HISTORY)
    assert [row["name"] for row in rows] == ["Novo", "Em atendimento", "Ganho", "Novo"]
    assert [row["exited_at"] for row in rows] == [row["entered_at"] for row in rows[1:]] + [None]
    assert [event.data.new_status_name for event in said] == ["Em atendimento", "Ganho", "Novo"]


async def test_a_contact_nobody_knows_is_told_apart_from_a_refusal(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    statuses = await a_project(line, ONE, contact)

    outcomes, _ = await carry_out(
        line, a_move(new_id(), statuses["Ganho"], because=heard), a_move(contact, new_id(), because=heard)
    )

    assert [outcome.result for outcome in outcomes] == ["unknown", "refused"]


async def test_batches_that_move_the_same_contacts_in_opposite_orders_do_not_lose_any_move(
    line: Any, heard: AnyEvent
) -> None:
    contacts = [new_id() for _ in range(20)]
    statuses = await a_project(line, ONE, *contacts)
    names = ["Em atendimento", "Ganho"] * 3

    async def batch(number: int) -> int:
        order = contacts if number % 2 else list(reversed(contacts))
        moves = [a_move(contact, statuses[names[number]], because=heard) for contact in order]
        outcomes, _ = await carry_out(line, *moves)
        return sum(outcome.result == "moved" for outcome in outcomes)

    moved = await asyncio.gather(*(batch(number) for number in range(6)))

    rows = await line.rows(HISTORY)
    assert len(rows) == len(contacts) + sum(moved)
    assert sum(row["exited_at"] is None for row in rows) == len(contacts)


async def test_a_move_waits_for_the_one_before_it_and_starts_from_where_that_ended(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    statuses = await a_project(line, ONE, contact)

    async with line.works.begin([ONE]) as work:
        await move_placements([a_move(contact, statuses["Em atendimento"], because=heard)], work_of(work))
        second = asyncio.create_task(carry_out(line, a_move(contact, statuses["Ganho"], because=heard)))
        done, _ = await asyncio.wait([second], timeout=0.2)
        assert not done
    (outcome,), _ = await second

    assert outcome.before is not None
    assert outcome.before.status.name == "Em atendimento"


async def test_nobody_is_moved_to_a_status_that_is_just_going_away(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    statuses = await a_project(line, ONE, contact)
    (pipeline,) = await line.rows("select id::text from pipelines")
    by = Cause(tenant_id=ONE, actor="user:x", correlation_id=new_id())

    async with line.works.begin([ONE]) as work:
        await remove_status(pipeline["id"], statuses["Ganho"], None, by, lambda version: None, work_of(work))
        move = asyncio.create_task(carry_out(line, a_move(contact, statuses["Ganho"], because=heard)))
        done, _ = await asyncio.wait([move], timeout=0.2)
        assert not done
    (outcome,), _ = await move

    assert outcome.result == "refused"


async def test_a_status_is_not_removed_while_somebody_is_being_moved_to_it(line: Any, heard: AnyEvent) -> None:
    contact = new_id()
    statuses = await a_project(line, ONE, contact)
    (pipeline,) = await line.rows("select id::text from pipelines")
    by = Cause(tenant_id=ONE, actor="user:x", correlation_id=new_id())

    async def remove() -> None:
        async with line.works.begin([ONE]) as work:
            await remove_status(pipeline["id"], statuses["Ganho"], None, by, lambda version: None, work_of(work))

    async with line.works.begin([ONE]) as work:
        await move_placements([a_move(contact, statuses["Ganho"], because=heard)], work_of(work))
        removal = asyncio.create_task(remove())
        done, _ = await asyncio.wait([removal], timeout=0.2)
        assert not done
    with pytest.raises(DomainError, match="not_empty"):
        await removal


@pytest.mark.parametrize("size", [1, 100])
async def test_a_batch_of_moves_costs_the_same_few_statements_whatever_its_size(
    line: Any, heard: AnyEvent, size: int
) -> None:
    contacts = [new_id() for _ in range(size)]
    statuses = await a_project(line, ONE, *contacts)
    statements: list[str] = []

    async with line.works.begin([ONE]) as work:
        work.connection.add_query_logger(lambda query: statements.append(query.query))
        await move_placements([a_move(each, statuses["Ganho"], because=heard) for each in contacts], work_of(work))
        await asyncio.sleep(0.05)  # the driver logs a moment later
        assert len(statements) == 5, statements
