"""Projects: what changes is named, what has to stand stands, and the default one is never deleted."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity.domain.project import Project, changed, refuse_deleting
from kernel.errors import DomainError
from kernel.ids import new_id

PROJECT = Project(
    tenant_id=new_id(),
    id=new_id(),
    version=3,
    name="Shop",
    timezone="America/Sao_Paulo",
    country="BR",
    language="pt-BR",
    default_pipeline_id=new_id(),
    owner_user_id=new_id(),
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Shop", "Support"]),
        "description": st.none() | st.just("who buys"),
        "active": st.booleans(),
        "timezone": st.sampled_from(["America/Sao_Paulo", "UTC"]),
        "language": st.sampled_from(["pt-BR", "en"]),
        "session_timeout_minutes": st.sampled_from([30, 45]),
        "business_hours": st.sampled_from([{}, {"mon": [["09:00", "18:00"]]}]),
        "configuration": st.sampled_from([{}, {"csat": True}]),
    },
)


@given(asked)
def test_what_is_asked_for_is_so_and_only_what_differs_is_named(wanted: dict[str, Any]) -> None:
    found, names = changed(PROJECT, wanted)
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert set(names) == {name for name in wanted if getattr(PROJECT, name) != wanted[name]}
    assert replace(found, **{name: getattr(PROJECT, name) for name in names}) == PROJECT
    assert changed(found, wanted) == (found, [])


@pytest.mark.parametrize("name", ["name", "active", "timezone", "configuration", "business_hours"])
def test_what_has_to_stand_is_not_cleared(name: str) -> None:
    with pytest.raises(DomainError) as told:
        changed(PROJECT, {name: None})
    assert [(each.pointer, each.code) for each in told.value.fields] == [(f"/{name}", "not_allowed")]


@pytest.mark.parametrize(("name", "value"), [("timezone", "Mars/Base"), ("language", "klingon please")])
def test_zones_and_languages_exist(name: str, value: str) -> None:
    with pytest.raises(DomainError, match="validation_failed"):
        changed(PROJECT, {name: value})


@given(st.booleans(), st.integers(0, 3))
def test_only_a_project_that_is_not_the_default_one_and_has_no_working_channel_is_deleted(
    is_default: bool, channels: int
) -> None:
    project = replace(PROJECT, is_default=is_default)
    if not is_default and not channels:
        refuse_deleting(project, channels)
        return
    with pytest.raises(DomainError) as told:
        refuse_deleting(project, channels)
    assert told.value.code == ("invalid_state" if is_default else "not_empty")
