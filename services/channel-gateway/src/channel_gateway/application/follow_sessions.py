"""Change channels as their providers report: a batch of reports in one locked read and one write."""

from collections.abc import Sequence

from channel_gateway.application.work import Work
from channel_gateway.domain.delivery import Delivery, State
from channel_gateway.domain.inbound import SessionReport


async def follow_sessions(deliveries: Sequence[Delivery], work: Work) -> dict[str, State]:
    """Apply the reports among these deliveries in their order, and say what has changed.

    Returns, by delivery id, what becomes of those that changed nothing: overtaken by a newer one, or a repeat that no
    time of its own gives away.
    """
    reports = [
        ((each.channel.tenant_id, each.channel.id), each, each.inbound)
        for each in deliveries
        if isinstance(each.inbound, SessionReport)
    ]
    idle: dict[str, State] = {}
    if not reports:
        return idle
    before = await work.sessions.for_change({key for key, _, _ in reports})
    present = dict(before)
    for key, delivery, report in reports:
        if key not in present:
            continue  # removed meanwhile
        session = present[key]
        present[key] = session.hear(report)
        if session.knows_newer_than(report):
            idle[delivery.id] = "ignored"
        elif present[key] is session and report.told_at is None:
            idle[delivery.id] = "duplicate"
        work.announcements.session_changed(delivery, session, present[key])
    changed = [session for key, session in sorted(present.items()) if session is not before[key]]
    if changed:
        await work.sessions.keep(changed)
    arrived = [session.key for session in changed if session.status == "active" != before[session.key].status]
    if arrived:
        await work.checks.arrived(arrived)
    failed = [session.key for session in changed if session.wants_restart and before[session.key].status != "error"]
    if failed:
        await work.checks.watch(failed)
    return idle
