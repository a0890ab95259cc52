"""Positions of statuses and pipelines are 0..n-1 after whatever is done, and an active pipeline takes new contacts."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.errors import DomainError
from kernel.ids import new_id
from pipeline_automation.domain.pipeline import (
    Pipeline,
    Status,
    arranged,
    free_name,
    name_key,
    starting_names,
    starting_statuses,
)


def a_pipeline(**more: object) -> Pipeline:
    ids = (f"s{n}" for n in count())
    statuses = starting_statuses(starting_names("pt-BR")[1], lambda: next(ids))
    facts = {"tenant_id": "t", "project_id": "p", "id": "pipeline", "name": "Sales", "statuses": statuses}
    return Pipeline(**{**facts, **more})  # type: ignore[arg-type]


Step = Callable[[Pipeline, int], Pipeline]


def _add(pipeline: Pipeline, n: int) -> Pipeline:
    status = Status(id=new_id(), name=f"Name {n}", status_type=("open", "won")[n % 2])
    return pipeline.with_status(status, n if n < 40 else None)


def _remove(pipeline: Pipeline, n: int) -> Pipeline:
    return pipeline.without_status(pipeline.statuses[n % len(pipeline.statuses)].id)


def _move(pipeline: Pipeline, n: int) -> Pipeline:
    return pipeline.with_changed_status(pipeline.statuses[n % len(pipeline.statuses)].id, {"position": n // 3})


def _switch(pipeline: Pipeline, n: int) -> Pipeline:
    status = pipeline.statuses[n % len(pipeline.statuses)]
    return pipeline.with_changed_status(status.id, {"active": not status.active})


def _reverse(pipeline: Pipeline, n: int) -> Pipeline:
    return pipeline.reordered([status.id for status in reversed(pipeline.statuses)])


@given(
    steps=st.lists(
        st.tuples(st.sampled_from((_add, _remove, _move, _switch, _reverse)), st.integers(0, 60)), max_size=25
    )
)
def test_whatever_is_done_to_statuses_positions_have_no_gaps_and_somebody_can_begin(
    steps: list[tuple[Step, int]],
) -> None:
    pipeline = a_pipeline()
    for step, n in steps:
        try:
            pipeline = step(pipeline, n)
        except DomainError as refusal:
            assert refusal.code in ("rule_violated", "already_exists")
        assert [status.position for status in pipeline.statuses] == list(range(len(pipeline.statuses)))
        assert len({status.id for status in pipeline.statuses}) == len(pipeline.statuses)
        assert len({name_key(status.name) for status in pipeline.statuses}) == len(pipeline.statuses)
        assert any(status.takes_new_contacts for status in pipeline.statuses)


@given(size=st.integers(0, 6), which=st.integers(0, 8), position=st.one_of(st.none(), st.integers(0, 9)))
def test_pipelines_of_a_project_stand_without_gaps_wherever_one_is_put(
    size: int, which: int, position: int | None
) -> None:
    present = [a_pipeline(id=f"p{n}", position=n) for n in range(size)]
    one = a_pipeline(id=f"p{which}", position=min(which, size))

    after = arranged(present, one, position)

    assert [each.position for each in after] == list(range(len(after)))
    place = next(each.position for each in after if each.id == one.id)
    if position is not None:
        assert place == min(position, len(after) - 1)
    else:
        assert place == (which if which < size else size)


@given(st.permutations([f"s{n}" for n in range(4)]))
def test_an_order_names_every_status_once(order: list[str]) -> None:
    pipeline = a_pipeline()

    assert [status.id for status in pipeline.reordered(order).statuses] == order
    for wrong in (order[:-1], [*order, order[0]], [*order[:-1], "stranger"]):
        with pytest.raises(DomainError) as refusal:
            pipeline.reordered(wrong)
        assert refusal.value.fields[0].pointer == "/status_ids"


def test_names_are_one_whatever_their_case() -> None:
    with pytest.raises(DomainError) as refusal:
        a_pipeline().with_status(Status(id="n", name="GANHO", status_type="won"), None)
    assert (refusal.value.code, refusal.value.facts["existing_id"]) == ("already_exists", "s2")
    assert free_name("Pipeline Principal", frozenset({"pipeline principal", "pipeline principal 2"})) == (
        "Pipeline Principal 3"
    )


def test_only_english_projects_start_in_english() -> None:
    assert [starting_names(language)[0] for language in ("en", "en-GB", "pt-BR", "es")] == [
        "Main pipeline",
        "Main pipeline",
        "Pipeline Principal",
        "Pipeline Principal",
    ]
