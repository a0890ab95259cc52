"""What an answer of the provider to a send means: a table, read from above; the first line that fits counts.

Rule of P5: `unknown` whenever the message may have left. Sources: waha/guide.md 13.4 and 14, domain.md 6.5.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Literal

Verdict = Literal["accepted", "wait", "broken", "refused", "unknown"]
Restriction = Literal["reach_out_timelock", "message_cap"]
ChannelTrouble = Literal["session_not_working", "session_gone", "unreachable", "setup"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one call. `status` None: nothing did; `left` then tells whether the request may have been read.

    `words` are what an error says, never the request that it echoes; `session_status` what a session that does not work
    calls its state.
    """

    status: int | None
    left: bool = True
    words: str = field(default="", repr=False)
    provider_id: str | None = None
    provider_ref: str | None = None
    retry_after_s: float | None = None
    session_status: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from an answer.

    accepted: it was sent. wait: it was not, and will be tried again; `counts` towards giving up. broken: the channel's
    set-up must be repaired first. refused: for good, under one of the API's failure codes; `permanent`: a repeat would fail
    likewise. unknown: only evidence can tell. `pause_s` holds the whole channel back.
    """

    verdict: Verdict
    reason: str
    code: str = "provider_error"
    permanent: bool = False
    counts: bool = False
    pause_s: float | None = None
    restricts: Restriction | None = None
    trouble: ChannelTrouble | None = None
    session_status: str | None = None
    provider_id: str | None = None
    provider_ref: str | None = None

    @property
    def concerns_channel(self) -> bool:
        """Tell whether it says something about the whole channel."""
        return self.pause_s is not None or self.restricts is not None or self.trouble is not None

    @property
    def shows_illness(self) -> bool:
        """Tell whether it counts as a failure of the server itself, for its circuit breaker."""
        return self.verdict == "unknown" or self.trouble == "unreachable"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. `words` is looked for in what an error says, whatever its case."""

    statuses: range | tuple[int, ...]
    outcome: Outcome
    words: str = ""

    def fits(self, answer: Answer) -> bool:
        """Tell whether the line speaks of this answer."""
        return answer.status in self.statuses and (not self.words or bool(_pattern(self.words).search(answer.words)))


ACCEPTED = Outcome("accepted", "accepted")
WITHOUT_ID = Outcome("unknown", "the provider accepted it without naming it")
NOT_CONNECTED = Outcome("wait", "the provider cannot be reached", counts=True, trouble="unreachable")
NO_ANSWER = Outcome("unknown", "no answer came back")
INTERRUPTED = Outcome("unknown", "the sender stopped in the middle of the call")

RATE_LIMITED_S = 10.0
OVERLIMIT_S = 120.0
OUTDATED_S = 300.0

_NOT_ON_WHATSAPP = Outcome("refused", "WhatsApp knows no account at this address", "not_on_whatsapp", permanent=True)
_NOT_SUPPORTED = Outcome(
    "refused", "the provider's engine cannot send this", "not_supported_by_channel", permanent=True
)
_REFUSED = Outcome("refused", "the provider refused the request", permanent=True)
_BROKEN = Outcome("broken", "the provider's address or key is wrong", trouble="setup")
_REACH_OUT = Outcome(
    "refused",
    "WhatsApp does not let this number begin new chats for a while",
    "reach_out_restricted",
    restricts="reach_out_timelock",
)
_CAP = Outcome("refused", "this number's quota of new chats is used up", "message_cap_reached", restricts="message_cap")
_SESSION_GONE = Outcome("refused", "the provider has no such session", "channel_disconnected", trouble="session_gone")
_OUTDATED = Outcome("unknown", "the provider's engine fails at every send until it is upgraded", pause_s=OUTDATED_S)

RULES: tuple[Rule, ...] = (
    Rule(range(200, 300), ACCEPTED),
    Rule(range(300, 400), replace(_BROKEN, reason="the provider's address redirects elsewhere")),
    Rule((401, 403), replace(_BROKEN, reason="the provider refuses the key")),
    Rule((404,), _SESSION_GONE, "session"),
    Rule((404,), replace(_BROKEN, reason="there is no WAHA at the provider's address")),
    Rule((408, 499), replace(NO_ANSWER, reason="a proxy gave up waiting")),
    Rule((422,), _NOT_ON_WHATSAPP),
    Rule((429,), Outcome("wait", "the provider asks for a pause", counts=True, pause_s=RATE_LIMITED_S)),
    Rule(range(400, 500), _REFUSED),
    Rule((500,), _NOT_ON_WHATSAPP, "no lid found for"),
    Rule((500,), _NOT_ON_WHATSAPP, "no lid for user"),
    Rule((500,), _REACH_OUT, "463"),
    Rule((500,), _CAP, "475"),
    Rule((500,), Outcome("wait", "too many queries", counts=True, pause_s=OVERLIMIT_S), "rate-overlimit"),
    Rule((500,), _OUTDATED, "data passed to getter must include an id property"),
    Rule((500,), _OUTDATED, "cannot read properties of undefined"),
    Rule((500,), replace(NO_ANSWER, reason="the provider's engine restarts"), "unavailable"),
    Rule((500,), replace(NO_ANSWER, reason="the provider's engine did not answer in time"), "deadline"),
    Rule((501,), _NOT_SUPPORTED),
    Rule(range(500, 600), replace(NO_ANSWER, reason="the provider failed without saying whether it was sent")),
)


def outcome_of(answer: Answer, *, reserved_id: str | None = None) -> Outcome:
    """Return what an answer to a send means; `reserved_id` is the message id that was sent along."""
    if answer.status is None:
        return NO_ANSWER if answer.left else NOT_CONNECTED
    if answer.status == 422 and answer.session_status is not None:
        return Outcome(
            "wait",
            "the provider's session does not work",
            trouble="session_not_working",
            session_status=answer.session_status,
        )
    outcome = next((rule.outcome for rule in RULES if rule.fits(answer)), NO_ANSWER)
    if outcome is ACCEPTED:
        provider_id = answer.provider_id or reserved_id
        if provider_id is None:
            return WITHOUT_ID
        return replace(ACCEPTED, provider_id=provider_id, provider_ref=answer.provider_ref)
    if answer.retry_after_s is not None and outcome.pause_s is not None:
        return replace(outcome, pause_s=max(answer.retry_after_s, 1.0))
    return outcome


def _pattern(words: str) -> re.Pattern[str]:
    """A bare number must stand alone: it also occurs inside phone numbers."""
    return re.compile(rf"\b{words}\b" if words.isdigit() else re.escape(words), re.IGNORECASE)
