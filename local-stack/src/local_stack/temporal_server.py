"""Temporal's development server of one instance: one process, one database file, on loopback only."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from local_stack.answering import answers_ready, ask
from local_stack.files import last_lines, make_folder
from local_stack.ports import check_free
from local_stack.processes import Process, detach, until
from local_stack.progress import CannotContinue, NotYet, step
from local_stack.temporal_program import find

NAMESPACE = "ventros-crm"
_RETENTION = "604800s"  # how long the history of what has ended stays: 7 days; the server's own default is one
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


class TemporalServer:
    def __init__(
        self,
        instance: str,
        folder: Path,
        ports: Mapping[str, int],
        records: Path,
        logs: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.instance = instance
        self.folder = folder
        self.port = ports["temporal"]
        self.log = logs / "temporal.log"
        self._ports = ports
        self._environment_of_caller = environment
        self._record = records / "temporal.json"

    @property
    def host(self) -> str:
        """Where workers and clients connect."""
        return f"127.0.0.1:{self.port}"

    def process(self) -> Process | None:
        return Process.recorded(self._record)

    def ready(self) -> bool:
        """Whether the namespace is answered for, which takes the frontend and the database."""
        return answers_ready(self._namespace_url)

    def start(self) -> None:
        """Start it unless it runs and wait until it answers; NotYet where its program is still missing."""
        process = self.process()
        if process and self._answers(process):
            return
        program = find(self._environment_of_caller)
        if program is None:
            raise NotYet("Temporal's program is not here yet")
        for name in ("temporal", "temporal_ui", "temporal_metrics"):
            check_free(self.instance, name, self._ports[name])
        with step(f"starting Temporal of instance {self.instance}"):
            make_folder(self.folder, 0o700)
            process = detach(
                [str(program), *self._arguments()], environment=self._environment(), cwd=self.folder, log=self.log
            )
            process.record(self._record)
            if not self._answers(process):
                raise CannotContinue(
                    f"Temporal of instance {self.instance} did not start; its log ends:\n{last_lines(self.log)}"
                )
            self._keep_histories()

    def stop(self) -> None:
        if process := self.process():
            process.stop(_STOP_SECONDS)
        self._record.unlink(missing_ok=True)

    @property
    def _namespace_url(self) -> str:
        return f"http://127.0.0.1:{self._ports['temporal_ui']}/api/v1/namespaces/{NAMESPACE}"

    def _answers(self, process: Process) -> bool:
        """Wait until this server answers; False when it ended (found while dying, say) or is too late."""
        return until(lambda: self.ready() or not process.alive(), _START_SECONDS, every=0.1) and process.alive()

    def _keep_histories(self) -> None:
        config = json.loads(ask("GET", self._namespace_url) or b"{}").get("config", {})
        if config.get("workflowExecutionRetentionTtl") != _RETENTION:
            ask("POST", f"{self._namespace_url}/update", {"config": {"workflowExecutionRetentionTtl": _RETENTION}})

    def _arguments(self) -> list[str]:
        return [
            *("server", "start-dev"),
            *("--db-filename", str(self.folder / "temporal.db")),
            *("--namespace", NAMESPACE),
            *("--ip", "127.0.0.1"),
            *("--port", str(self.port)),
            # Without its pages, whose port the same questions over HTTP get.
            *("--headless", "--http-port", str(self._ports["temporal_ui"])),
            *("--metrics-port", str(self._ports["temporal_metrics"])),
            *("--log-format", "json", "--log-level", "warn"),
            *("--dynamic-config-value", "frontend.enableServerVersionCheck=false"),  # it would ask the internet
            *("--disable-config-file", "--disable-config-env"),
        ]

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's environment: a proxy or a TEMPORAL_* of theirs would lead it astray."""
        return {"PATH": os.defpath, "HOME": str(self.folder), "TZ": "UTC"}
