"""Any order of moves keeps exactly one open placement per contact and pipeline, and a history without gaps."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st
from pipeline_automation.domain.pipeline import Status
from pipeline_automation.domain.placement import Money, Move, Outcome, Placement, Standing, Target

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TENANTS, CONTACTS, PIPELINES = ("t1", "t2"), ("ana", "bob", "stranger"), ("sales", "care")


def targets() -> list[Target]:
    """Two pipelines of three statuses in each tenant; one status is off."""
    return [
        Target(
            tenant,
            "project",
            pipeline,
            True,
            Status(id=f"{pipeline}-{n}", name=str(n), status_type="open", active=n < 2),
        )
        for tenant in TENANTS
        for pipeline in PIPELINES
        for n in range(3)
    ]


def a_move(contact: str = "ana", status: str = "sales-0", *, tenant: str = "t1", **more: object) -> Move:
    facts = {"tenant_id": tenant, "project_id": "project", "contact_id": contact, "status_id": status}
    return Move(**{**facts, "actor": "user:x", "because": None, **more})  # type: ignore[arg-type]


MOVES = st.lists(
    st.builds(
        a_move,
        st.sampled_from(CONTACTS),
        st.sampled_from([f"{pipeline}-{n}" for pipeline in PIPELINES for n in range(4)]),
        tenant=st.sampled_from(TENANTS),
        pipeline_id=st.sampled_from((None, *PIPELINES)),
    ),
    max_size=30,
)


def known() -> list[tuple[str, str, str]]:
    return [(tenant, "project", contact) for tenant in TENANTS for contact in CONTACTS if contact != "stranger"]


@given(batches=st.lists(MOVES, max_size=5), skews=st.lists(st.integers(-60, 60), min_size=5, max_size=5))
def test_any_order_of_moves_keeps_one_open_placement_per_contact_and_pipeline(
    batches: list[list[Move]], skews: list[int]
) -> None:
    ids = count()
    rows: dict[str, Placement] = {}
    for moves, skew in zip(batches, skews, strict=False):  # clocks of replicas differ
        standing = Standing(known(), [row for row in rows.values() if row.exited_at is None], targets())
        outcomes = [standing.move(move, NOON + timedelta(seconds=skew), lambda: f"{next(ids):09}") for move in moves]
        rows |= {row.id: row for row in standing.opened}
        _check_outcomes(outcomes)
    stays: dict[tuple[str, str, str], list[Placement]] = defaultdict(list)
    for row in rows.values():
        stays[row.key].append(row)
    for (tenant, contact, _), history in stays.items():
        assert tenant in TENANTS
        assert contact != "stranger"
        assert [row.exited_at is None for row in history] == [False] * (len(history) - 1) + [True]
        for earlier, later in pairwise(history):
            assert earlier.exited_at == later.entered_at
            assert earlier.entered_at < later.entered_at
            assert later.from_status == earlier.status
            assert later.status != earlier.status


def _check_outcomes(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        assert (outcome.result == "moved") == (outcome.refusal is None) == (outcome.after is not None)
        assert (outcome.result == "unknown") == (outcome.move.contact_id == "stranger")
        if outcome.after is not None:
            assert outcome.after.status.id == outcome.move.status_id
            assert outcome.move.pipeline_id in (None, outcome.after.pipeline_id)
            assert (outcome.seconds_in_previous is None) == (outcome.before is None)
            assert (outcome.seconds_in_previous or 0) >= 0


def test_each_refusal_has_the_code_that_people_know() -> None:
    standing = Standing(
        known(),
        [],
        [*targets(), Target("t1", "project", "old", False, Status(id="old-0", name="0", status_type="open"))],
    )
    standing.move(a_move(), NOON, lambda: "1")

    def code(move: Move) -> tuple[str, str]:
        outcome = standing.move(move, NOON, lambda: "2")
        assert outcome.refusal is not None
        return outcome.result, outcome.refusal.code

    assert code(a_move("stranger")) == ("unknown", "not_found")
    assert code(a_move(status="sales-9")) == ("refused", "not_found")
    assert code(a_move(pipeline_id="care")) == ("refused", "rule_violated")
    assert code(a_move(status="sales-2")) == ("refused", "invalid_state")
    assert code(a_move(status="old-0")) == ("refused", "invalid_state")
    assert code(a_move()) == ("unchanged", "invalid_state")


def test_what_a_contact_is_worth_goes_along_until_somebody_says_otherwise() -> None:
    standing = Standing(known(), [], targets())
    worth = Money(amount=12_000, currency="BRL")

    first = standing.move(a_move(value=worth, lost_reason="price"), NOON, lambda: "1")
    second = standing.move(a_move(status="sales-1"), NOON + timedelta(seconds=90), lambda: "2")

    assert first.after is not None
    assert second.after is not None
    assert second.after.value == worth
    assert second.after.lost_reason is None
    assert second.seconds_in_previous == 90
