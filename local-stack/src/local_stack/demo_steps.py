"""What becomes of one message, step by step, each found among the events and each once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local_stack.demo_hearing import Heard, HeardEvent, seconds_of
from local_stack.progress import CannotContinue

WITHIN_S = 60.0

RECEIVED, STORED = "channel.message_received.v1", "message.received.v1"
PLACED, QUEUED = "contact.entered_pipeline.v1", "message.send_requested.v1"


@dataclass
class Known:
    """What is known of the one message by now; empty until an event tells it."""

    message_id: str
    rule_id: str
    correlation_id: str = ""
    contact_id: str = ""
    session_id: str = ""
    chat_id: str = ""
    answer_id: str = ""


Fits = Callable[[HeardEvent, Known], bool]


def _is_the_message(event: HeardEvent, known: Known) -> bool:
    return bool(event.data.get("provider_message_id") == known.message_id)


def _follows(event: HeardEvent, known: Known) -> bool:
    return event.correlation_id == known.correlation_id


def _of_the_contact(event: HeardEvent, known: Known) -> bool:
    return bool(event.data.get("contact_id") == known.contact_id)


def _of_the_rule(event: HeardEvent, known: Known) -> bool:
    return _of_the_contact(event, known) and bool(event.data.get("rule_id") == known.rule_id)


def _of_the_answer(event: HeardEvent, known: Known) -> bool:
    return bool(event.data.get("message_id") == known.answer_id)


def _by_silence(event: HeardEvent, known: Known) -> bool:
    return bool(
        event.data.get("session_id") == known.session_id and event.data.get("end_reason") == "inactivity_timeout"
    )


@dataclass(frozen=True)
class Step:
    """`event` tells of it; `service` is who does it, `does` what."""

    name: str
    event: str
    fits: Fits
    service: str
    does: str


GATEWAY, AUTOMATION = "channel-gateway", "pipeline-automation"
TAKEN_IN = (
    Step("webhook accepted", RECEIVED, _is_the_message, GATEWAY, "keeps the delivery and answers 200"),
    Step("contact met", "contact.created.v1", _follows, "contact", "finds or meets the person"),
    Step("session started", "session.started.v1", _follows, "session", "opens an attendance of the chat"),
    Step("message stored", STORED, _follows, "messaging", "stores the message in its chat"),
    Step("placed in the pipeline", PLACED, _of_the_contact, AUTOMATION, "puts the contact into its first status"),
)
ANSWERED = (
    Step("rule ran", "automation_rule.executed.v1", _of_the_rule, AUTOMATION, "finds the rule's CEL condition true"),
    Step("contact tagged", "contact.tag_added.v1", _of_the_contact, "contact", "adds the tag that the rule wished"),
    Step("answer queued", QUEUED, _of_the_contact, "messaging", "checks the answer that the rule wished and stores it"),
    Step("answer sent", "message.sent.v1", _of_the_answer, GATEWAY, "sends it through WAHA, once"),
    Step(
        "delivered", "message.delivered.v1", _of_the_answer, "messaging", "hears of the second tick: the phone has it"
    ),
)
READ = Step("read", "message.read.v1", _of_the_answer, "messaging", "hears of the blue ticks: the chat was opened")
ENDED = Step(
    "session timed out",
    "session.ended.v1",
    _by_silence,
    "session",
    "ends it at its deadline, by a timekeeper in Temporal",
)
ALL = (*TAKEN_IN, *ANSWERED, READ, ENDED)


@dataclass
class Timeline:
    """The steps of one message that have happened, with their times."""

    heard: Heard
    known: Known
    written_at: float
    told: list[dict[str, Any]] = field(default_factory=list)

    async def follow(self, *steps: Step) -> None:
        """Wait for each step in turn; CannotContinue names the one that does not happen, and where to look."""
        for step in steps:
            if not await self.happens(step, WITHIN_S):
                raise CannotContinue(self.missing(step, WITHIN_S))

    async def happens(self, step: Step, within_s: float) -> bool:
        """Wait for a step and note it; False when it does not happen in time."""
        if not await self.heard.until(lambda: bool(self._events(step)), within_s):
            return False
        event = self._events(step)[0]
        self._learn(step, event)
        words = f"{step.service} {step.does}"
        if step is ENDED:  # it may have been noticed late, and counts as of its deadline all the same
            words += f", as of {seconds_of(event.data['ended_at']) - self.written_at:.1f} s"
        self.tell(step.name, event.said_at, words)
        return True

    def tell(self, name: str, at: float, by: str) -> None:
        """Note a step; people read how long after the message it was."""
        self.told.append({"step": name, "at": at, "ms": round((at - self.written_at) * 1000), "by": by})

    def missing(self, step: Step, within_s: float) -> str:
        """Return what to say of a step that did not happen."""
        last = self.told[-1]["step"] if self.told else "nothing"
        return (
            f"Step {step.name!r} did not happen within {within_s:.0f} s; the last that did was {last!r}. "
            f"`make doctor` looks for the cause, `make logs SERVICE={step.service}` tells what {step.service} did."
        )

    def check_once(self) -> None:
        """Every step that happened did so once."""
        for step in ALL:
            times = len(self._events(step))
            if times > 1 or (times == 0 and any(one["step"] == step.name for one in self.told)):
                raise CannotContinue(f"Step {step.name!r} happened {times} times instead of once: please report this.")

    def _events(self, step: Step) -> list[HeardEvent]:
        return self.heard.of(step.event, lambda event: step.fits(event, self.known))

    def _learn(self, step: Step, event: HeardEvent) -> None:
        self.known.correlation_id = self.known.correlation_id or event.correlation_id
        for name in ("contact_id", "session_id", "chat_id"):
            if not getattr(self.known, name) and event.data.get(name):
                setattr(self.known, name, event.data[name])
        if step.event == QUEUED:
            self.known.answer_id = event.data["message_id"]
