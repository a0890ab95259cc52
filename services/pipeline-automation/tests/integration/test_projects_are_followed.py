"""A project's name, language and zone are known as they are now, in whatever order one hears of it; it begins once."""

import itertools
from typing import Any

import msgspec
import pytest
from contracts.envelope import AnyEvent
from contracts.identity.project_activated_v1 import IdentityProjectActivatedV1
from contracts.identity.project_deactivated_v1 import IdentityProjectDeactivatedV1
from contracts.identity.project_deleted_v1 import IdentityProjectDeletedV1
from contracts.identity.project_updated_v1 import IdentityProjectUpdatedV1
from kernel.ids import new_id

KNOWN = "select name, language, timezone, version from projects where tenant_id = $1"
PIPELINES = "select id::text from pipelines where tenant_id = $1"


def updated(reactions: Any, place: Any, version: int) -> AnyEvent:
    """Return the news of a project's later version."""
    data = IdentityProjectUpdatedV1(
        project_id=place.project,
        name=f"Loja {version}",
        is_default=True,
        timezone="America/Manaus" if version == 3 else "America/Recife",
        country="BR",
        language="en" if version == 3 else "pt-BR",
        session_timeout_minutes=30,
        default_pipeline_id=place.pipeline,
        owner_user_id=new_id(),
        version=version,
        changed=("name", "timezone"),
    )
    event: AnyEvent = reactions.event(place, data)
    return event


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
async def test_the_newest_version_wins_and_the_project_begins_once(reactions: Any, order: tuple[int, ...]) -> None:
    place = reactions.nowhere()
    for version in order:
        news = reactions.project_created(place) if version == 1 else updated(reactions, place, version)
        await reactions.hear(news)

    (known,) = await reactions.line.rows(KNOWN, place.tenant)
    assert tuple(known) == ("Loja 3", "en", "America/Manaus", 3)
    pipelines = await reactions.line.rows(PIPELINES, place.tenant)
    assert [row["id"] for row in pipelines] == [place.pipeline]


async def test_several_versions_in_one_batch_come_to_the_newest(reactions: Any) -> None:
    place, other = reactions.nowhere(), reactions.nowhere()
    news = [updated(reactions, place, version) for version in (2, 3)]
    await reactions.hear(*reversed(news), updated(reactions, other, 2))

    (known,) = await reactions.line.rows(KNOWN, place.tenant)
    assert (known["name"], known["version"]) == ("Loja 3", 3)
    assert len(await reactions.line.rows(PIPELINES, place.tenant)) == 1
    assert len(await reactions.line.rows(PIPELINES, other.tenant)) == 1


async def test_another_tenant_cannot_rename_a_project(reactions: Any) -> None:
    place = await reactions.a_place()
    stranger = reactions.nowhere()
    foreign = msgspec.structs.replace(updated(reactions, place, 9), tenantid=stranger.tenant)
    await reactions.hear(foreign)

    (known,) = await reactions.line.rows(KNOWN, place.tenant)
    assert (known["name"], known["version"]) == ("Loja", 1)


async def test_rules_of_a_project_rest_and_run_with_it_whatever_comes_late(reactions: Any) -> None:
    contact = new_id()
    place, other = await reactions.a_place(contact), await reactions.a_place(contact)
    for each in (place, other):
        await reactions.rule(each, "message.received")

    async def answers(where: Any) -> int:
        said = await reactions.hear(reactions.message(where, contact))
        return [event.type for event in said].count("message.compose_requested.v1")

    def rests(version: int) -> AnyEvent:
        return reactions.event(place, IdentityProjectDeactivatedV1(project_id=place.project, version=version))

    def works(version: int) -> AnyEvent:
        return reactions.event(place, IdentityProjectActivatedV1(project_id=place.project, version=version))

    assert await answers(place) == 1
    await reactions.hear(rests(2))
    assert (await answers(place), await answers(other)) == (0, 1)
    await reactions.hear(works(5))
    await reactions.hear(rests(4))
    assert await answers(place) == 1
    await reactions.hear(reactions.event(place, IdentityProjectDeletedV1(project_id=place.project, version=6)))
    assert await answers(place) == 0
