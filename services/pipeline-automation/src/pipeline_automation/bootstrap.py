"""The composition root: the only file that names every concrete class."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from contracts.public import public_events
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from pipeline_automation.adapters.contacts_in_postgres import ContactsInPostgres
from pipeline_automation.adapters.executions_in_postgres import EXECUTIONS, ExecutionsInPostgres
from pipeline_automation.adapters.expressions_in_cel import ExpressionsInCel
from pipeline_automation.adapters.feed_in_postgres import FeedInPostgres
from pipeline_automation.adapters.feed_watch import FeedWatch
from pipeline_automation.adapters.forgetting import Forgetting
from pipeline_automation.adapters.pipeline_rows import FOUND, PIPELINES
from pipeline_automation.adapters.pipelines_in_postgres import PipelinesInPostgres
from pipeline_automation.adapters.placement_rows import BOARD, HISTORY, STANDING
from pipeline_automation.adapters.placements_in_postgres import PlacementsInPostgres
from pipeline_automation.adapters.reading_in_postgres import ReadingInPostgres
from pipeline_automation.adapters.rule_facts_in_postgres import RuleFactsInPostgres
from pipeline_automation.adapters.rules_in_postgres import RULES, RulesInPostgres
from pipeline_automation.adapters.surroundings_in_postgres import SurroundingsInPostgres
from pipeline_automation.adapters.templates_in_liquid import TemplatesInLiquid
from pipeline_automation.adapters.trigger_events_in_postgres import TriggerEventsInPostgres
from pipeline_automation.application.automation import Automation
from pipeline_automation.application.rule_announcements import RuleAnnouncements
from pipeline_automation.application.rule_book import Project, ProjectRules, RuleBook
from pipeline_automation.application.work import Work
from pipeline_automation.domain.sampling import Sampling
from pipeline_automation.entrypoints.events import (
    on_any_public_event,
    on_channel_created,
    on_channel_deleted,
    on_channel_updated,
    on_command_refused,
    on_contact_created,
    on_contact_custom_field_cleared,
    on_contact_custom_field_set,
    on_contact_deleted,
    on_contact_entered_pipeline,
    on_contact_pipeline_status_changed,
    on_contact_restored,
    on_contact_tag_added,
    on_contact_tag_removed,
    on_contact_updated,
    on_identity_project_activated,
    on_identity_project_created,
    on_identity_project_deactivated,
    on_identity_project_deleted,
    on_identity_project_updated,
    on_message_failed,
    on_message_received,
    on_session_ended,
    on_session_started,
)
from pipeline_automation.entrypoints.http.feed import feed_routes
from pipeline_automation.entrypoints.http.pipelines import pipeline_routes
from pipeline_automation.entrypoints.http.placements import Boards, placement_routes
from pipeline_automation.entrypoints.http.rule_trials import rule_trial_routes
from pipeline_automation.entrypoints.http.rules import rule_routes
from pipeline_automation.entrypoints.http.statuses import status_routes

SERVICE = "pipeline-automation"

HEARING = (
    on_identity_project_created,
    on_identity_project_updated,
    on_identity_project_activated,
    on_identity_project_deactivated,
    on_identity_project_deleted,
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
    on_message_received,
    on_session_started,
    on_session_ended,
    on_contact_entered_pipeline,
    on_contact_pipeline_status_changed,
    on_command_refused,
    on_message_failed,
)
"""The modules of what is heard type by type; each has HEARS and a handler of its own name."""
LAST = on_any_public_event
"""Heard beside these, and after them in each batch: whoever appends to the feed lets others wait until the commit."""

# What lives as long as the process: what it has compiled of rules, and how many events it has kept.
EXPRESSIONS, TEMPLATES, SAMPLING = ExpressionsInCel(), TemplatesInLiquid(), Sampling()
BOOK = RuleBook(EXPRESSIONS, TEMPLATES)
# What a transaction has asked the book: the handlers of all that it holds share it.
ASKED: WeakKeyDictionary[UnitOfWork, dict[Project, ProjectRules | None]] = WeakKeyDictionary()


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    rules = RulesInPostgres(work.connection, work.new_id)
    surroundings = SurroundingsInPostgres(work.connection)
    placements = PlacementsInPostgres(work.connection)
    return Work(
        contacts=ContactsInPostgres(work.connection),
        surroundings=surroundings,
        pipelines=PipelinesInPostgres(work.connection),
        placements=placements,
        in_use=(placements, surroundings, rules),
        automation=Automation(
            rules=rules,
            executions=ExecutionsInPostgres(work.connection),
            contacts=RuleFactsInPostgres(work.connection),
            trigger_events=TriggerEventsInPostgres(work.connection),
            book=BOOK,
            expressions=EXPRESSIONS,
            templates=TEMPLATES,
            sampling=SAMPLING,
            asked=ASKED.setdefault(work, {}),
        ),
        feed=FeedInPostgres(work.connection),
        announcements=RuleAnnouncements(work.say, work.new_id, work.now),
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
    names = [(module, module.__name__.rpartition(".")[2]) for module in (*HEARING, LAST)]
    watch = FeedWatch(parts.works)
    return Blueprint(
        subscriptions=[
            parts.subscription(name.removeprefix("on_"), module.HEARS, _handling(getattr(module, name)))
            for module, name in names
        ],
        routes=[
            pipeline_routes(work_of, reading_of, PIPELINES, FOUND),
            status_routes(work_of, reading_of),
            placement_routes(parts.works, work_of, reading_of, Boards(BOARD, STANDING, HISTORY)),
            rule_routes(work_of, RULES, EXECUTIONS),
            rule_trial_routes(work_of),
            feed_routes(parts.works, work_of, watch.grown, public_events()),
        ],
        roles=[("work", Forgetting(parts.works))],
        waiting=[watch],
    )
