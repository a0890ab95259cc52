"""Change a pipeline's own fields."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.cause import Cause

from pipeline_automation.application.arrange_pipelines import arrange_pipelines
from pipeline_automation.application.work import Work
from pipeline_automation.domain.pipeline import arranged, refuse_taken_name


async def change_pipeline(
    pipeline_id: str, given: Mapping[str, Any], by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Change what is given; what changes nothing says nothing. `expect` raises for a stale version.

    Raises already_exists for a name that is taken, rule_violated where an active pipeline could take nobody in.
    """
    given = dict(given)
    position = given.pop("position", None)
    neighbours = await work.pipelines.neighbours(by.tenant_id, pipeline_id)
    before = await work.pipelines.get(by.tenant_id, pipeline_id)
    expect(before.version)
    after = before.changed_by(given)
    refuse_taken_name(after.name, after.id, neighbours)
    order = arranged(neighbours, after, position)
    after = next(each for each in order if each.id == pipeline_id)
    changed = after.differences(before)
    if not changed:
        return
    await arrange_pipelines(neighbours, [each for each in order if each.id != pipeline_id], by, work)
    work.announcements.pipeline_updated(await work.pipelines.save(before, after), changed, by)
