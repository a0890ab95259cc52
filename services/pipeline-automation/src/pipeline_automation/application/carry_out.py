"""Do what rules want done: each action a wish to the owner of the thing, in the order of the list.

A wish in the outbox counts as done; if its owner refuses it later, the execution learns of it (record_refusals).
Moves are our own, so that their outcome is known at once: all of a round go together.
"""

from collections.abc import Generator, Sequence

from pipeline_automation.application.judge import Case, template_scope
from pipeline_automation.application.move_placements import move_placements
from pipeline_automation.application.work import Work
from pipeline_automation.domain.actions import Action
from pipeline_automation.domain.errors import UnrenderableError
from pipeline_automation.domain.execution import Result
from pipeline_automation.domain.loop_guard import LoopGuard
from pipeline_automation.domain.placement import Move, Outcome
from pipeline_automation.domain.wished_message import WishedMessage

Steps = Generator[Move, Outcome, None]


async def carry_out(cases: Sequence[Case], guard: LoopGuard, work: Work) -> list[WishedMessage]:
    """Run the actions of executions, which get their results; return the messages that were wished for."""
    doing = CarryingOut(guard, work)
    running = [(steps, next(steps, None)) for steps in map(doing.steps, cases)]
    while waiting := [(steps, move) for steps, move in running if move is not None]:
        outcomes = await move_placements([move for _, move in waiting], work)
        running = [(steps, _next(steps, outcome)) for (steps, _), outcome in zip(waiting, outcomes, strict=True)]
    return doing.messages


def _next(steps: Steps, outcome: Outcome) -> Move | None:
    try:
        return steps.send(outcome)
    except StopIteration:
        return None


class CarryingOut:
    """One batch of executions."""

    def __init__(self, guard: LoopGuard, work: Work) -> None:
        self._guard = guard
        self._work = work
        self.messages: list[WishedMessage] = []

    def steps(self, case: Case) -> Steps:
        """Go through the actions of one execution; each move is yielded, and its outcome sent back."""
        execution = case.execution
        actions = execution.rule.rule.actions
        for index, action in enumerate(actions):
            if action.action == "change_pipeline_status":
                result = yield from self._move(index, action, case)
            elif action.action == "send_message":
                result = self._send(index, action, case)
            else:
                result = self._tag(index, action, case)
            execution.results.append(result)
            if result.outcome in ("failed", "refused") and execution.rule.rule.on_error == "stop":
                rest = enumerate(actions[index + 1 :], start=index + 1)
                execution.results += [Result(at, each.action, "skipped", "stopped") for at, each in rest]
                return

    def _move(self, index: int, action: Action, case: Case) -> Generator[Move, Outcome, Result]:
        execution = case.execution
        heard = execution.heard
        if heard.contact_id is None:
            return Result(index, action.action, "failed", "no_contact")
        outcome = yield Move(
            tenant_id=heard.tenant_id,
            project_id=heard.project_id,
            contact_id=heard.contact_id,
            pipeline_id=action.parameters.get("pipeline_id"),
            status_id=action.parameters["status_id"],
            actor=execution.rule.actor,
            because=self._work.announcements.in_the_wake_of(heard),
            hop=heard.hop + 1,
        )
        if outcome.result in ("moved", "unchanged"):
            return Result(index, action.action, "done", "already_there" if outcome.result == "unchanged" else None)
        return Result(index, action.action, "refused", outcome.refusal.detail if outcome.refusal else outcome.result)

    def _send(self, index: int, action: Action, case: Case) -> Result:
        execution = case.execution
        heard = execution.heard
        chat_key, channel_id = address_of(action, case)
        if chat_key is None:
            return Result(index, action.action, "failed", "no_contact")
        try:
            text = case.rule.templates[index].render(template_scope(case, self._work.now))
        except UnrenderableError as error:
            return Result(index, action.action, "failed", str(error))
        if not self._guard.may_write(chat_key, execution.rule, heard):
            return Result(index, action.action, "skipped", "chat_paused")
        message = WishedMessage(id=self._work.new_id(), execution=execution, action_index=index, chat_key=chat_key)
        self.messages.append(message)
        in_chat = heard.chat_key if chat_key == heard.chat_key else None
        self._work.announcements.message_wished(message, text, chat_key=in_chat, channel_id=channel_id)
        return Result(index, action.action, "done", message_id=message.id)

    def _tag(self, index: int, action: Action, case: Case) -> Result:
        if case.execution.heard.contact_id is None:
            return Result(index, action.action, "failed", "no_contact")
        added = action.action == "add_tag"
        self._work.announcements.tag_wished(case.execution, index, action.parameters["tag"], added=added)
        return Result(index, action.action, "done")


def address_of(action: Action, case: Case) -> tuple[str | None, str | None]:
    """Return in which chat a message will stand and by which channel it goes; neither where there is nobody to write to.

    The event's own chat, unless the action names another channel. Where neither names a channel, messaging takes the one on which
    the contact was last met, and the chat counts as the contact's own.
    """
    heard = case.execution.heard
    channel_id = action.parameters.get("channel_id") or heard.channel_id
    if heard.chat_key is not None and channel_id == heard.channel_id:
        return heard.chat_key, channel_id
    if heard.contact_id is None:
        return None, None
    return (heard.contact_id if channel_id is None else f"{channel_id}:{heard.contact_id}"), channel_id
