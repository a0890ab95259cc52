"""The composition root: the only file that names every concrete class."""

from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from pipeline_automation.application.announcements import Announcements
from pipeline_automation.application.work import Work

SERVICE = "pipeline-automation"


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""
    return Blueprint()
