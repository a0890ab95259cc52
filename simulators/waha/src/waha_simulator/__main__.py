"""`python -m waha_simulator`: runs the simulator until SIGTERM or SIGINT. Settings come from the environment
(README).
"""

import asyncio
import logging
import signal
import sys

import uvloop

from waha_simulator.server import PortTakenError, RunningSimulator
from waha_simulator.settings import Settings, SettingsError

log = logging.getLogger("waha_simulator")


async def run(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with RunningSimulator(settings) as running:
        log.info("WAHA simulator %s listens on %s", settings.version, running.url)
        await stopping.wait()
    log.info("WAHA simulator stopped")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # The server calls an answer that is broken off on purpose an error.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        uvloop.run(run(Settings.from_environment()))
    except (SettingsError, PortTakenError) as problem:
        print(f"waha_simulator: {problem}", file=sys.stderr)  # noqa: T201  the one sentence for whoever started it
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
