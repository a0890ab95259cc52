"""The composition root: the only file that names every concrete class."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from contracts.envelope import Event
from durable.standing import Standing, StandingWorkflows
from durable.temporal import Temporal
from durable.working import Definitions, TaskQueueWorker
from kernel.running import Role
from kernel.settings import Environment
from outbox.work import UnitOfWork
from runtime.health import temporal_check
from runtime.parts import Parts
from runtime.service import Blueprint

from session.adapters.deadlines_in_postgres import DeadlinesInPostgres
from session.adapters.known_chats_in_postgres import KnownChatsInPostgres
from session.adapters.session_rows import SESSIONS
from session.adapters.sessions_in_postgres import SessionsInPostgres
from session.adapters.timeouts_in_postgres import TimeoutsInPostgres
from session.application.announcements import Announcements
from session.application.work import Work
from session.domain.timeouts import DEFAULT_MINUTES
from session.entrypoints.events import (
    on_chat_created,
    on_contact_sender_identified,
    on_identity_project_activated,
    on_identity_project_created,
    on_identity_project_deactivated,
    on_identity_project_deleted,
    on_identity_project_updated,
    on_message_sent,
    on_pipeline_created,
    on_pipeline_deleted,
    on_pipeline_updated,
)
from session.entrypoints.http.sessions import session_routes
from session.settings import SessionSettings, read_session_settings
from session.workflows.turns import QUEUE, TIMEKEEPER, Keeping, timekeeper_id

SERVICE = "session"

Hear = Callable[[Sequence[Event[Any]], Work], Awaitable[None]]

HEARD: Mapping[str, tuple[Any, Hear]] = {
    "contact_sender_identified": (
        on_contact_sender_identified.HEARS,
        on_contact_sender_identified.on_contact_sender_identified,
    ),
    "message_sent": (on_message_sent.HEARS, on_message_sent.on_message_sent),
    "chat_created": (on_chat_created.HEARS, on_chat_created.on_chat_created),
    "pipeline_created": (on_pipeline_created.HEARS, on_pipeline_created.on_pipeline_created),
    "pipeline_updated": (on_pipeline_updated.HEARS, on_pipeline_updated.on_pipeline_updated),
    "pipeline_deleted": (on_pipeline_deleted.HEARS, on_pipeline_deleted.on_pipeline_deleted),
    "identity_project_created": (
        on_identity_project_created.HEARS,
        on_identity_project_created.on_identity_project_created,
    ),
    "identity_project_updated": (
        on_identity_project_updated.HEARS,
        on_identity_project_updated.on_identity_project_updated,
    ),
    "identity_project_activated": (
        on_identity_project_activated.HEARS,
        on_identity_project_activated.on_identity_project_activated,
    ),
    "identity_project_deactivated": (
        on_identity_project_deactivated.HEARS,
        on_identity_project_deactivated.on_identity_project_deactivated,
    ),
    "identity_project_deleted": (
        on_identity_project_deleted.HEARS,
        on_identity_project_deleted.on_identity_project_deleted,
    ),
}


def work_of(work: UnitOfWork, default_minutes: int = DEFAULT_MINUTES) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        sessions=SessionsInPostgres(work.connection),
        chats=KnownChatsInPostgres(work.connection),
        timeouts=TimeoutsInPostgres(work.connection, default_minutes),
        deadlines=DeadlinesInPostgres(work.connection),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""
    env = Environment(os.environ)
    settings = read_session_settings(env)
    env.check()

    def work_in(work: UnitOfWork) -> Work:
        return work_of(work, settings.default_timeout_minutes)

    def heard_by(hear: Hear) -> Callable[[Sequence[Event[Any]], UnitOfWork], Awaitable[None]]:
        async def handle(events: Sequence[Event[Any]], work: UnitOfWork) -> None:
            await hear(events, work_in(work))

        return handle

    async def keep_lag(lag_s: float) -> None:
        async with parts.works.begin(()) as work:
            await DeadlinesInPostgres(work.connection).keep_lag(parts.settings.bus.replica, lag_s)

    temporal = Temporal(settings.temporal, f"{SERVICE} {parts.settings.instance}") if settings.temporal else None
    return Blueprint(
        subscriptions=[parts.subscription(name, heard, heard_by(hear)) for name, (heard, hear) in HEARD.items()],
        routes=[session_routes(work_in, SESSIONS)],
        checks={"temporal": temporal_check(temporal)} if temporal else {},
        roles=[("work", role) for role in timekeeping(parts, settings, temporal, work_in)] if temporal else [],
        keep_lag=keep_lag,
    )


def timekeeping(
    parts: Parts, settings: SessionSettings, temporal: Temporal, work_in: Callable[[UnitOfWork], Work]
) -> list[Role]:
    """Return what keeps deadlines: a worker, and what starts the timekeepers that do not run."""

    def define() -> Definitions:
        # Brings temporalio along, which a process that does not work shall not pay for.
        from session.workflows.apply_due import ApplyDue, Pace
        from session.workflows.timekeeper import SessionTimekeeper

        pace = Pace(settings.shards, settings.max_sleep_s, timedelta(seconds=settings.max_lag_s))
        return Definitions([SessionTimekeeper], [ApplyDue(parts.works, work_in, pace).apply_due])

    wanted = [
        Standing(TIMEKEEPER, timekeeper_id(shard), QUEUE, Keeping(shard, settings.shards))
        for shard in range(settings.shards)
    ]
    return [TaskQueueWorker(temporal, QUEUE, define), StandingWorkflows(temporal, wanted)]
