"""What one run came to, like a Jepsen report; and the table of all."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from checker import Finding
from watch import Times

LOST, DUPLICATED = ("LOST", "STUCK"), ("DUPLICATED", "DOUBLE")
SHOWN = 8
DRAIN_WITHIN_S = 60.0


@dataclass(slots=True)
class Report:
    """One scenario, run once."""

    key: str
    title: str
    seed: int
    options: dict[str, Any]
    attempted: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    recovered: int = 0
    """Whose first attempt failed or was not answered, and which is there in the end."""
    sends: int = 0
    bites: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    liveness: list[str] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    back_s: dict[str, float] = field(default_factory=dict)
    answer_p99_ms: float = 0.0
    took_s: float = 0.0

    @property
    def green(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings and not self.liveness

    def count(self, *verdicts: str) -> int:
        """Return how many findings have one of these verdicts."""
        return sum(each.verdict in verdicts for each in self.findings)

    @property
    def unexpected(self) -> int:
        """Return what is wrong beyond lost and doubled."""
        return len(self.findings) - self.count(*LOST, *DUPLICATED)

    def text(self) -> str:
        """Return it for people."""
        verdict = "green" if self.green else "RED"
        times = self.times
        lines = [
            f"{self.key}: {self.title}: {verdict}",
            f"  attempted {self.attempted}, acknowledged {self.acknowledged}, refused {self.refused}, unknown {self.unknown},"
            f" sends {self.sends}",
            f"  lost {self.count(*LOST)}, duplicated {self.count(*DUPLICATED)}, unexpected {self.unexpected},"
            f" recovered {self.recovered}",
            f"  detected after {shown(times.detect_s)}, recovered after {shown(times.recover_s)}, drained after"
            f" {shown(times.drain_s)}; backlog {times.backlog}, answers p99 {self.answer_p99_ms:.0f} ms",
            f"  bit: {', '.join(f'{name} {times:g}' for name, times in self.bites.items()) or 'nothing'}",
        ]
        if self.back_s:
            back = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.back_s.items())
            lines.append(f"  killed and back: {back}")
        lines += [f"  ✗ {each.check} {each.verdict}: {each.what}" for each in self.findings[:SHOWN]]
        if len(self.findings) > SHOWN:
            by_verdict = Counter(f"{each.check} {each.verdict}" for each in self.findings)
            lines.append(f"  ✗ in all: {dict(by_verdict)}")
        lines += [f"  ✗ LIVENESS: {each}" for each in self.liveness]
        options = " ".join(f"{name}={value}" for name, value in self.options.items())
        lines.append(f"  seed {self.seed}; {options}; took {self.took_s:.0f} s")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self) | {"green": self.green, "on": datetime.now(UTC).date().isoformat(), "row": self.row()}

    def row(self) -> str:
        """Return its row of the table."""
        lost, doubled = self.count(*LOST), self.count(*DUPLICATED)
        times = self.times
        bites = ", ".join(f"{name} {count:g}" for name, count in self.bites.items())
        back = max(self.back_s.values(), default=None)
        cells = [
            self.key,
            f"{self.title} ({bites})",
            f"{self.attempted} / {self.acknowledged}",
            f"{lost} / {doubled} / {self.unexpected + len(self.liveness)}",
            str(self.recovered),
            f"{shown(times.detect_s)} / {shown(times.recover_s)} / {shown(times.drain_s)}",
            shown(back),
            "green" if self.green else "**red**",
        ]
        return f"| {' | '.join(cells)} |"


def shown(seconds: float | None) -> str:
    """Return seconds for people."""
    return "–" if seconds is None else f"{seconds:.1f} s"


COLUMNS = (
    "Fault",
    "What was broken (how often it bit)",
    "Attempted / acknowledged",
    "Lost / doubled / unexpected",
    "Recovered",
    "Detected / recovered / drained",
    "Killed and back",
    "",
)


def measured(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return when and with which command these runs (as `as_json` tells them) were made, and what they came to together."""
    days = sorted({each["on"] for each in runs})
    seeds = " or ".join(f"`make chaos T='--seed {seed} --write'`" for seed in sorted({each["seed"] for each in runs}))
    red = sum(not each["green"] for each in runs)
    attempted, acknowledged, sends = (
        sum(each[counted] for each in runs) for counted in ("attempted", "acknowledged", "sends")
    )
    return (
        f"Measured {' to '.join([days[0], *days[1:][-1:]])} on two cores with {seeds} (by `--only`, some at a time):\n"
        f"{len(runs)} scenarios, {red or 'none'} red; {attempted:,} webhooks attempted, {acknowledged:,} acknowledged,"
        f" {sends:,} sends."
    )


def table(rows: Iterable[str]) -> str:
    """Return the rows as one Markdown table."""
    return "\n".join([f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}", *rows])
