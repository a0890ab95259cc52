"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline_automation.application.automation import Automation
from pipeline_automation.application.feed import Feed
from pipeline_automation.application.rule_announcements import RuleAnnouncements
from pipeline_automation.domain.known_contact import Entrance, KnownContact
from pipeline_automation.domain.pipeline import Pipeline
from pipeline_automation.domain.placement import Key, Move, Placement, Standing, Target
from pipeline_automation.domain.surroundings import KnownChannel, KnownProject, Resting

Contact = tuple[str, str, str]
"""Tenant, project, contact."""
Project = tuple[str, str]
"""Tenant, project."""


class Contacts(Protocol):
    """What we know of contacts."""

    async def known(self, keys: Collection[Contact]) -> Mapping[Contact, KnownContact]:
        """Return the contacts of which we have heard, locked until the end of the transaction."""

    async def keep(self, contacts: Collection[KnownContact]) -> None:
        """Store contacts that are new, and what changed of those that were known; a unique violation where others were faster."""

    async def unheard_of(self, keys: Collection[Contact]) -> set[Contact]:
        """Return the contacts of which no event has told, and let them exist; all are locked until the end of the transaction."""

    async def begin_to_wait(self, projects: Collection[Project]) -> None:
        """Let transactions that look for those who wait in these projects come before or after this one, never at once."""

    async def waiting_in(self, projects: Collection[Project]) -> Mapping[Contact, Entrance]:
        """Return the contacts that wait for their first place, and how we met them; none is locked, and nobody else begins to wait."""

    async def project_of(self, tenant_id: str, contact_id: str) -> str | None:
        """Return the project of a contact that people can see, None where there is none."""


class Placements(Protocol):
    """Who stands where."""

    async def doors_of(self, entrances: Collection[Entrance]) -> Mapping[Entrance, Target | None]:
        """Return where those begin who come this way, locked like what moves are about; None: in no pipeline.

        Missing are those of which it cannot be told yet.
        """

    async def stays_of(self, contacts: Collection[Contact]) -> set[Key]:
        """Return in which pipelines contacts stand or ever stood; the contacts are locked already."""

    async def standing(self, moves: Sequence[Move]) -> Standing:
        """Return what moves are about, locked: contacts, then pipelines, then open placements."""

    async def keep(self, closed: Sequence[Placement], opened: Sequence[Placement]) -> None:
        """Store what was closed and what was opened."""

    async def in_pipeline(
        self, tenant_id: str, pipeline_id: str, status_id: str | None, contact_id: str | None
    ) -> list[Placement]:
        """Return the open placements of a pipeline, one status of it, or one contact; contacts are locked first."""

    async def take_out(self, placements: Sequence[Placement], exited_by: str, reason: str | None) -> None:
        """Store the end of placements whose contacts leave their pipeline."""


class Pipelines(Protocol):
    """Pipelines and their statuses. Every call names the tenant."""

    async def arranging(self, projects: Collection[Project]) -> Mapping[Project, list[Pipeline]]:
        """Return the pipelines of projects in order, without statuses; nobody else adds, moves or deletes any meanwhile."""

    async def neighbours(self, tenant_id: str, pipeline_id: str) -> list[Pipeline]:
        """Return the pipelines of a pipeline's project, itself included, as arranging does; raise not_found."""

    async def get(self, tenant_id: str, pipeline_id: str) -> Pipeline:
        """Return a pipeline with its statuses, locked until the end of the transaction; raise not_found."""

    async def add(self, pipelines: Sequence[Pipeline]) -> None:
        """Store new pipelines with their statuses."""

    async def save(self, before: Pipeline, after: Pipeline) -> Pipeline:
        """Store what differs, statuses too; return the pipeline with its new versions."""

    async def reposition(self, pipelines: Sequence[Pipeline]) -> list[Pipeline]:
        """Store positions; return the pipelines with statuses and new versions."""

    async def remove(self, pipeline: Pipeline) -> int:
        """Delete a pipeline; return its version, which is its last."""


class Surroundings(Protocol):
    """What we know of projects and channels."""

    async def projects_begin(self, projects: Sequence[KnownProject]) -> list[KnownProject]:
        """Store projects; return those that were not known."""

    async def keep_projects(self, projects: Sequence[KnownProject]) -> None:
        """Store projects that are known as they are now, unless something newer is known."""

    async def keep_resting(self, projects: Sequence[Resting]) -> None:
        """Store whether projects rest, unless something newer is known."""

    async def language_of(self, tenant_id: str, project_id: str) -> str | None:
        """Return the language of a project, None for one that we have not heard of."""

    async def keep_channels(self, channels: Sequence[KnownChannel]) -> None:
        """Store channels as they are, unless something newer is known."""

    async def drop_channels(self, channels: Sequence[Contact]) -> None:
        """Note that channels (tenant, project, channel) were deleted."""


class InUse(Protocol):
    """Something for whose sake a pipeline or status may not be deleted."""

    used_by: str
    """What it is, in the plural: `placements`, `channels`, `rules`."""

    async def users_of(self, tenant_id: str, pipeline_id: str, status_id: str | None) -> int:
        """Return how many use the pipeline, or, where `status_id` is given, that status of it."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    contacts: Contacts
    surroundings: Surroundings
    pipelines: Pipelines
    placements: Placements
    in_use: Sequence[InUse]
    automation: Automation
    feed: Feed
    announcements: RuleAnnouncements
    new_id: Callable[[], str]
    now: datetime
