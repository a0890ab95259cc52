"""Memory over time: the line at four fifths of its highest rate for minutes, memory by process every 10 s, and what it grows by."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from line import Line
from stand import Stand
from tables import print_memory
from verdict import slope

OF_HIGHEST = 0.8
EVERY_S = 10.0


def measure(stand: Stand, highest_per_s: float, minutes: float, connections: int) -> dict[str, Any]:
    """Run a fresh stack for so long; return the figures by process, with megabytes a minute over the second half."""
    stand.fresh()
    line = Line(stand)
    line.meet(connections)
    per_s = highest_per_s * OF_HIGHEST
    print(f"  {per_s:.0f}/s for {minutes:g} minutes", flush=True)
    samples: list[tuple[float, dict[str, float]]] = []
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(line.step, per_s, 60 * minutes, connections)
        began = time.monotonic()
        while not running.done():
            elapsed = time.monotonic() - began
            if elapsed < 60 * minutes:
                samples.append((elapsed, stand.memory()))
            wait([running], timeout=EVERY_S)
        step = running.result()
    stand.reset()
    by_process = {name: _figures(name, samples) for name in sorted(samples[-1][1])}
    print_memory(by_process)
    figures = step.figures()
    print(f"\n{figures['p99_ms']} ms p99, {figures['missing']} of {figures['messages']} messages not heard")
    return {"per_s": round(per_s, 1), "minutes": minutes, "by_process": by_process, "line": figures}


def _figures(name: str, samples: Sequence[tuple[float, dict[str, float]]]) -> dict[str, Any]:
    held = [(at / 60, sample[name]) for at, sample in samples if name in sample]
    return {
        "first_mb": round(held[0][1], 1),
        "last_mb": round(held[-1][1], 1),
        "max_mb": round(max(value for _, value in held), 1),
        "mb_per_minute": round(slope(held[len(held) // 2 :]), 3),
        "samples_mb": [round(value, 1) for _, value in held],
    }
