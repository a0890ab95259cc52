"""A Temporal server of one's own, for tests that take it away and bring it back."""

import asyncio
import os
import subprocess
from pathlib import Path
from types import TracebackType

import pytest
from local_stack.temporal_program import find

from testkit.listening import free_port

START_SECONDS = 30.0


class OwnTemporal:
    """Keeps its state in a file, so that a killed one goes on where it was. Use it as a context: it ends with it."""

    def __init__(self, folder: Path, namespace: str = "ventros-crm") -> None:
        """Skip the test with clear words where no program can be had."""
        program = find(os.environ)
        if program is None:
            pytest.skip("Temporal's program is missing on this machine: `make temporal` brings it, once")
        self._program = program
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self.namespace = namespace
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> "OwnTemporal":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it and wait until its port answers."""
        process = self._process = self._launch()
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                assert process.poll() is None, "Temporal ended while starting"
                assert asyncio.get_running_loop().time() < deadline, f"Temporal did not start in {START_SECONDS:.0f} s"
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    async def kill(self) -> None:
        """Take it away without a word."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await asyncio.to_thread(process.wait)

    def _launch(self) -> "subprocess.Popen[bytes]":
        options = ["--headless", "--ip", "127.0.0.1", "--port", str(self._port), "--namespace", self.namespace]
        with (self._folder / "temporal.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [
                    str(self._program),
                    *("server", "start-dev", *options, "--log-level", "warn"),
                    *("--db-filename", str(self._folder / "temporal.db")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
