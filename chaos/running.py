"""One scenario from beginning to end: load, fault, load, quiet, look, judge."""

import asyncio
import random
import time
from contextlib import suppress

from checker import check_all
from ledger import Ledger
from load import Load
from observed import Database, Observed, phones_of, queue_lengths, quiet
from product import Tenant
from report import DRAIN_WITHIN_S, Report
from scenario import Scenario
from stand import Stand
from testkit.eventually import eventually
from watch import Watch

BEFORE_S, AFTER_S = 3.0, 3.0
MOST_BREAKING_S = 60.0
MOST_RECOVERING_S = 60.0
RULED = 2
"""Of the tenants that send, so many have a rule that answers questions."""


async def run_scenario(scenario: Scenario, stand: Stand, seed: int) -> Report:
    """Run it once; what is wrong stands in the report. Raises only when the stack itself cannot be started."""
    options = {
        "tenants": scenario.tenants,
        "chats": scenario.tenants * scenario.chats_each,
        "rate": f"{scenario.per_second:g}/s",
        "sends": f"{scenario.sends_per_second if scenario.sends else 0:g}/s",
        **scenario.settings,
    }
    report = Report(scenario.key, scenario.title, seed, options)
    print(f"· {scenario.key}: seed {seed}, {options}", flush=True)
    await stand.ensure(scenario.settings)
    began = time.monotonic()
    tenants = await tenants_of(scenario, stand)
    path = stand.instance.folder / "chaos" / f"{scenario.key}.jsonl"
    load = Load(tenants, Ledger(path), seed, chats_each=scenario.chats_each, per_second=scenario.per_second)
    database = Database(stand.product, tenants)
    try:
        seen = await _play(scenario, stand, load, database, report, random.Random(f"{scenario.key} {seed}"))
    finally:
        await load.close()
        await database.close()
    report.findings = check_all(load.ledger.operations, seen, load.expected, report.bites)
    _count(report, load)
    _judge(scenario, stand, report)
    report.took_s = time.monotonic() - began
    return report


async def tenants_of(scenario: Scenario, stand: Stand) -> list[Tenant]:
    """Make tenants that nobody had before, so that nothing of an earlier scenario is counted."""
    if not scenario.sends:
        return list(await asyncio.gather(*(stand.product.tenant(**scenario.channel) for _ in range(scenario.tenants))))
    tenants = list(await asyncio.gather(*(stand.product.shop(**scenario.channel) for _ in range(scenario.tenants))))
    for tenant in tenants[:RULED]:
        await tenant.rule(
            "message.received",
            ("send_message", {"content": "re {{ trigger.text }}"}),
            expression='message.text.contains("?")',
            max_per_contact={"count": 1000, "hours": 1},
        )
    return tenants


async def _play(
    scenario: Scenario, stand: Stand, load: Load, database: Database, report: Report, dice: random.Random
) -> Observed:
    watch = Watch(stand, load, database)
    if scenario.sends:
        await load.meet()
    load.begin(scenario.sends_per_second if scenario.sends else 0.0)
    watching = asyncio.create_task(watch.run())
    try:
        await asyncio.sleep(BEFORE_S)
        await eventually(lambda: watch.stored > 0, within_s=20, because="messages flow before the fault")
        watch.began()
        try:
            async with asyncio.timeout(MOST_BREAKING_S):
                report.bites = dict(await scenario.break_it(stand, load, dice))
        except (AssertionError, TimeoutError) as error:
            report.liveness.append(f"while it broke: {type(error).__name__} {error}")
        watch.ended()
        await _hoped(report, stand.all_back(), "")
        await _hoped(
            report,
            eventually(
                lambda: watch.well_again, within_s=MOST_RECOVERING_S, every_s=0.1, because="recovered and drained"
            ),
            "",
        )
        await asyncio.sleep(AFTER_S)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        report.times = watch.times
    await load.finish()
    await _settle(scenario, stand, load, database, report)
    seen = await database.read()
    seen.queues = queue_lengths(await stand.control("list_queues", "name", "messages"))
    if scenario.sends:
        seen.phones = dict(await phones_of(load.tenants))
    return seen


async def _settle(scenario: Scenario, stand: Stand, load: Load, database: Database, report: Report) -> None:
    """Wait until nothing is under way any more; passing the deadline is a failure of liveness, and the checker looks all the same."""

    async def queues() -> dict[str, int]:
        return queue_lengths(await stand.control("list_queues", "name", "messages"))

    deadline = time.monotonic() + DRAIN_WITHIN_S
    while under_way := await quiet(database, queues, scenario.sends):
        if time.monotonic() > deadline:
            report.liveness.append(f"not quiet {DRAIN_WITHIN_S:.0f} s after the load: {under_way}")
            return
        await asyncio.sleep(0.3)


async def _hoped(report: Report, hope: object, why: str) -> None:
    try:
        await hope  # type: ignore[misc]
    except AssertionError as error:
        report.liveness.append(f"{why}{error}")


def _count(report: Report, load: Load) -> None:
    book = load.ledger
    report.attempted = len(book.of("webhook"))
    report.acknowledged = len(book.of("webhook", "ok"))
    report.refused = len(book.of("webhook", "fail"))
    report.unknown = len(book.of("webhook", "info"))
    report.recovered = sum(each.attempts > 1 for each in book.of("webhook", "ok"))
    report.sends = len(book.of("send", "ok"))
    took = sorted(each.took_s for each in load.answers if 200 <= each.status < 300)
    report.answer_p99_ms = took[int(len(took) * 0.99)] * 1000 if took else 0.0


def _judge(scenario: Scenario, stand: Stand, report: Report) -> None:
    """Hold the times against what is to be reached."""
    report.back_s = {name: round(seconds, 1) for name, seconds in stand.back_s.items()}
    for name, seconds in stand.back_s.items():
        if seconds > scenario.back_within_s:
            report.liveness.append(f"{name} was back after {seconds:.1f} s, not within {scenario.back_within_s:.0f} s")
    if report.times.late_s > scenario.late_after_s:
        report.liveness.append(f"LATE: an event waited {report.times.late_s:.1f} s for its publishing after the fault")
