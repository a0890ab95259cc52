"""Store how far messages have come, and tell everybody."""

from messaging.application.work import Work
from messaging.domain.progress import Progress
from messaging.domain.steps import late_steps, step_of


async def store_progress(progress: Progress, work: Work) -> None:
    """Store what reports did to messages of ours and to read marks, announce it, and note each step."""
    steps = [
        step_of(rise.message, work.announcements.risen(rise), rise.status, rise.status, rise.report)
        for rise in progress.rises
    ]
    steps += late_steps(progress, [work.announcements.id_of(report.cause) for _, report in progress.late])
    if progress.changed:
        await work.sendings.rise(progress.changed.values(), steps)
    if progress.read:
        await work.chats.mark_read(list(progress.read.values()))
