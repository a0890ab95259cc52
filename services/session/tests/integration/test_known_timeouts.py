"""What pipelines and projects say of silence is remembered, and decides when a session starts."""

from typing import Any

import pytest
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1
from contracts.identity.project_updated_v1 import IdentityProjectUpdatedV1
from contracts.pipeline.created_v1 import PipelineCreatedV1
from contracts.pipeline.deleted_v1 import PipelineDeletedV1
from contracts.pipeline.updated_v1 import PipelineUpdatedV1
from kernel.ids import new_id

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"
PROJECT = "00000000-0000-7000-8000-00000000000f"
PIPELINE = new_id()


def a_pipeline(line: Any, minutes: int | None, *, version: int = 1, tenant: str = TENANT) -> Any:
    """Return the event of a pipeline, created in its first version and updated in the later ones."""
    kind: type[PipelineCreatedV1 | PipelineUpdatedV1] = PipelineCreatedV1 if version == 1 else PipelineUpdatedV1
    return line.event(
        tenant,
        kind(
            pipeline_id=PIPELINE,
            name="Sales",
            color="#3B82F6",
            position=0,
            active=True,
            is_default=True,
            version=version,
            session_timeout_minutes=minutes,
        ),
    )


def a_project(line: Any, minutes: int, project: str = PROJECT) -> Any:
    """Return the event of a new project."""
    return line.event(
        TENANT,
        IdentityProjectCreatedV1(
            project_id=project,
            name="Support",
            is_default=True,
            timezone="UTC",
            country="BR",
            language="pt-BR",
            session_timeout_minutes=minutes,
            default_pipeline_id=new_id(),
            owner_user_id=new_id(),
            version=1,
        ),
    )


def a_changed_project(line: Any, minutes: int, version: int) -> Any:
    """Return the event of a project that changed."""
    return line.event(
        TENANT,
        IdentityProjectUpdatedV1(
            project_id=PROJECT,
            name="Support",
            is_default=True,
            timezone="UTC",
            country="BR",
            language="pt-BR",
            session_timeout_minutes=minutes,
            default_pipeline_id=new_id(),
            owner_user_id=new_id(),
            version=version,
            changed=("session_timeout_minutes",),
        ),
    )


async def started_with(line: Any, **message: Any) -> int:
    """Open a session and return its minutes; the event must say the same."""
    started, _ = await line.hears(line.message(TENANT, new_id(), **message))
    *_, session = await line.sessions()
    assert started.data.timeout_minutes == session["timeout_minutes"]
    assert started.data.pipeline_id == message.get("pipeline")
    minutes: int = started.data.timeout_minutes
    return minutes


async def test_pipeline_then_channel_then_project_then_thirty(line: Any) -> None:
    assert await started_with(line, pipeline=PIPELINE) == 30
    await line.hears(a_project(line, 40))
    assert await started_with(line, pipeline=PIPELINE) == 40
    assert await started_with(line, pipeline=PIPELINE, timeout=20) == 20
    await line.hears(a_pipeline(line, 10))
    assert await started_with(line, pipeline=PIPELINE, timeout=20) == 10
    assert await started_with(line, timeout=20) == 20


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_the_newest_version_of_a_pipeline_wins_in_any_order(line: Any, order: tuple[int, ...]) -> None:
    for version in order:
        await line.hears(a_pipeline(line, 10 * version, version=version))

    assert await started_with(line, pipeline=PIPELINE) == 30


async def test_versions_of_one_pipeline_in_one_batch_come_to_the_newest(line: Any) -> None:
    await line.hears(*(a_pipeline(line, 10 + version, version=version) for version in (2, 9, 4)))

    assert await started_with(line, pipeline=PIPELINE) == 19


async def test_a_pipeline_without_minutes_and_a_deleted_one_say_nothing(line: Any) -> None:
    await line.hears(a_pipeline(line, 10))
    await line.hears(a_pipeline(line, None, version=2))
    assert await started_with(line, pipeline=PIPELINE) == 30
    await line.hears(line.event(TENANT, PipelineDeletedV1(pipeline_id=PIPELINE, version=4)))
    await line.hears(a_pipeline(line, 15, version=3))
    assert await started_with(line, pipeline=PIPELINE) == 30, "what comes late does not bring it back"


async def test_minutes_that_nobody_may_have_are_thirty(line: Any) -> None:
    await line.hears(a_project(line, 0))
    await line.hears(a_pipeline(line, 99_999_999_999))

    assert await started_with(line, pipeline=PIPELINE, timeout=-3) == 30


async def test_a_session_keeps_what_it_started_with(line: Any) -> None:
    await line.hears(a_pipeline(line, 10))
    await line.hears(line.message(TENANT, pipeline=PIPELINE))
    await line.hears(a_pipeline(line, 60, version=2))
    await line.hears(line.message(TENANT, at=5, pipeline=PIPELINE))

    (session,) = await line.sessions()
    assert session["timeout_minutes"] == 10


async def test_another_tenants_pipeline_of_the_same_id_says_nothing_here(line: Any) -> None:
    await line.hears(a_pipeline(line, 10, tenant=OTHER))

    assert await started_with(line, pipeline=PIPELINE) == 30


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
async def test_the_newest_version_of_a_project_wins_in_any_order(line: Any, order: tuple[int, ...]) -> None:
    for version in order:
        event = a_project(line, 11) if version == 1 else a_changed_project(line, 11 * version, version)
        await line.hears(event)

    assert await started_with(line) == 33


async def test_in_a_project_that_rests_no_session_begins_and_what_is_open_goes_on(line: Any) -> None:
    def rests(version: int) -> Any:
        return line.event(TENANT, IdentityProjectDeactivatedV1(project_id=PROJECT, version=version))

    open_chat, other_chat = new_id(), new_id()
    await line.hears(line.message(TENANT, open_chat))
    await line.hears(rests(2))
    await line.hears(a_project(line, 25))

    (recorded,) = await line.hears(line.message(TENANT, other_chat))
    assert recorded.data.session_id is None and not recorded.data.session_started
    (recorded,) = await line.hears(line.message(TENANT, open_chat))
    assert recorded.data.session_id is not None

    await line.hears(line.event(TENANT, IdentityProjectActivatedV1(project_id=PROJECT, version=4)))
    await line.hears(rests(3))
    assert await started_with(line) == 25, "it goes on, with what was heard meanwhile"
    await line.hears(line.event(TENANT, IdentityProjectDeletedV1(project_id=PROJECT, version=5)))
    assert [event.type for event in await line.hears(line.message(TENANT, new_id()))] == ["session.message_recorded.v1"]
