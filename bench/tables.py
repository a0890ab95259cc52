"""The tables that people read; every figure stands in the JSON by the name of its row and column."""

from collections.abc import Mapping, Sequence
from typing import Any

NAMES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
HOPS = {
    "door": "door",
    "contact": "contact.channel_message_received",
    "session": "session.contact_sender_identified",
    "messaging": "messaging.session_message_recorded",
}
"""The hops of the line, by the consumer whose batches are shown."""


def print_steps(connections: int, steps: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one row for each step: latencies, answers, how full messages and transactions were, CPU of all processes together."""
    print(f"\n{connections} connections, milliseconds from when a webhook was due")
    print(
        f"{'':>8} {'messages':>9} | {'until message.received is heard':^31} | {'until the webhook is answered':^31} |"
        f" {'events of':>9} | {'rows of a transaction':^31} | {'CPU s of':>9} | {'why it was':<10}"
    )
    print(
        f"{'':>8} {'per s':>9} | {_heads('p50', 'p95', 'p99', 'max')} | {_heads('p50', 'p95', 'p99', 'max')} |"
        f" {'a message':>9} | {_heads(*HOPS)} | {'1,000':>9} | not held"
    )
    for name, each in steps.items():
        rows = [each["rows_per_transaction"].get(consumer) for consumer in HOPS.values()]
        print(
            f"{name:>8} {each['per_s']:>9} | {_cells([each[at] for at in NAMES])} | {_cells([each['answer'][at] for at in NAMES])} |"
            f" {_cell(each['events_per_message'].get('all'), 9)} | {_cells(rows)} | {each['cpu_s_per_1000_all']:>9.2f} |"
            f" {'; '.join(each['why_not'])}"
        )


def print_costs(steps: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what each process cost at each step."""
    names = sorted({name for each in steps.values() for name in each["cpu_s_per_1000"]})
    print(f"\n{'CPU s of 1,000 messages':>24} " + " ".join(f"{step:>9}" for step in steps), end="   ")
    print(f"{'memory, MB (PSS)':>18} " + " ".join(f"{step:>9}" for step in steps))
    for name in names:
        cpu = " ".join(_cell(each["cpu_s_per_1000"].get(name), 9, 3) for each in steps.values())
        memory = " ".join(_cell(each["memory_mb"].get(name), 9, 0) for each in steps.values())
        print(f"{name:>24} {cpu}   {'':>18} {memory}")


def print_memory(by_process: Mapping[str, Mapping[str, float]]) -> None:
    """Print what each process held over time."""
    print(f"\n{'memory, MB (PSS)':>24} {'first':>9} {'last':>9} {'most':>9} {'MB/min':>9}")
    for name, each in by_process.items():
        print(
            f"{name:>24} {each['first_mb']:>9.1f} {each['last_mb']:>9.1f} {each['max_mb']:>9.1f} {each['mb_per_minute']:>9.2f}"
        )


def print_rows(rows: Sequence[Mapping[str, Any]], *columns: str) -> None:
    """Print these columns, `answer.p50_ms` being one of a figure that has figures of its own, and what each row cost by process."""
    print("\n" + " ".join(f"{column:>15}" for column in columns))
    for row in rows:
        print(" ".join(_plain(row, column) for column in columns), "; ".join(row.get("why_not", ())))
    for row in rows:
        costs = sorted(row["cpu_s_per_1000"].items(), key=lambda cost: -cost[1])
        print(
            f"  CPU s of 1,000 at {row[columns[0]]}: {', '.join(f'{name} {used:.2f}' for name, used in costs if used >= 0.005)}"
        )


def _plain(row: Mapping[str, Any], column: str) -> str:
    value: Any = row
    for name in column.split("."):
        value = value[name]
    return f"{'–' if value is None else value!s:>15}"


def _heads(*names: str) -> str:
    return " ".join(f"{name[:7]:>7}" for name in names)


def _cells(values: list[float | None]) -> str:
    return " ".join(_cell(value, 7) for value in values)


def _cell(value: float | None, width: int, digits: int = 1) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.{digits}f}"
