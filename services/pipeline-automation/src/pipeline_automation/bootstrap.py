"""The composition root: the only file that names every concrete class."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from pipeline_automation.adapters.contacts_in_postgres import ContactsInPostgres
from pipeline_automation.adapters.pipeline_rows import FOUND, PIPELINES
from pipeline_automation.adapters.pipelines_in_postgres import PipelinesInPostgres
from pipeline_automation.adapters.placement_rows import BOARD, HISTORY, STANDING
from pipeline_automation.adapters.placements_in_postgres import PlacementsInPostgres
from pipeline_automation.adapters.reading_in_postgres import ReadingInPostgres
from pipeline_automation.adapters.surroundings_in_postgres import SurroundingsInPostgres
from pipeline_automation.application.announcements import Announcements
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events import (
    on_channel_created,
    on_channel_deleted,
    on_channel_updated,
    on_contact_created,
    on_contact_custom_field_cleared,
    on_contact_custom_field_set,
    on_contact_deleted,
    on_contact_restored,
    on_contact_tag_added,
    on_contact_tag_removed,
    on_contact_updated,
    on_identity_project_created,
)
from pipeline_automation.entrypoints.http.pipelines import pipeline_routes
from pipeline_automation.entrypoints.http.placements import Boards, placement_routes
from pipeline_automation.entrypoints.http.statuses import status_routes

SERVICE = "pipeline-automation"

HEARING = (
    on_identity_project_created,
    on_channel_created,
    on_channel_updated,
    on_channel_deleted,
    on_contact_created,
    on_contact_updated,
    on_contact_deleted,
    on_contact_restored,
    on_contact_tag_added,
    on_contact_tag_removed,
    on_contact_custom_field_set,
    on_contact_custom_field_cleared,
)
"""The modules of what is heard; each has HEARS and a handler of its own name."""


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    surroundings = SurroundingsInPostgres(work.connection)
    placements = PlacementsInPostgres(work.connection)
    return Work(
        contacts=ContactsInPostgres(work.connection),
        surroundings=surroundings,
        pipelines=PipelinesInPostgres(work.connection),
        placements=placements,
        in_use=(placements, surroundings),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


def reading_of(work: UnitOfWork) -> ReadingInPostgres:
    """Return what people read by, inside this transaction."""
    return ReadingInPostgres(work.connection)


def _handling(handler: Callable[[Sequence[Any], Work], Awaitable[None]]) -> Any:
    async def handle(events: Sequence[Any], work: UnitOfWork) -> None:
        await handler(events, work_of(work))

    return handle


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""
    names = [(module, module.__name__.rpartition(".")[2]) for module in HEARING]
    return Blueprint(
        subscriptions=[
            parts.subscription(name.removeprefix("on_"), module.HEARS, _handling(getattr(module, name)))
            for module, name in names
        ],
        routes=[
            pipeline_routes(work_of, reading_of, PIPELINES, FOUND),
            status_routes(work_of, reading_of),
            placement_routes(parts.works, work_of, reading_of, Boards(BOARD, STANDING, HISTORY)),
        ],
    )
