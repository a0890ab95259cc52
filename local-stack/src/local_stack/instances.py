"""An instance: a name that gives a whole stack its own folder, ports, secrets, Postgres cluster and broker."""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mode
from typing import Any

from local_stack import ports
from local_stack.credentials import make_secrets
from local_stack.files import make_folder, read_json, write_private_json
from local_stack.postgres_server import DATABASE, SUPERUSER, PostgresServer
from local_stack.processes import Process
from local_stack.progress import CannotContinue, say
from local_stack.rabbitmq_definitions import ALL_POWERFUL, TESTS
from local_stack.rabbitmq_server import RabbitmqServer
from local_stack.redis_server import RedisServer
from local_stack.temporal_server import NAMESPACE, TemporalServer

NEEDED = frozenset({"postgres", "rabbitmq"})  # nothing works without these
SERVERS = NEEDED | {"temporal", "redis"}
DEFAULT_PARTITIONS = 2
_LOCK_SECONDS = 300.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


def repository_root() -> Path:
    """The folder of the workspace that this package was installed from."""
    return Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Addresses:
    """Where the started servers answer; None where a server was not asked for."""

    postgres_superuser_dsn: str | None
    rabbitmq_url: str | None
    temporal_host: str | None = None


class Instance:
    """State in `<root>/.ventros/<name>/`; ports and secrets in its `instance.json`, made when it is first opened."""

    def __init__(self, name: str, root: Path, settings: dict[str, Any], environment: Mapping[str, str]) -> None:
        self.name = name
        self.root = root
        self.folder = root / ".ventros" / name
        self.environment = environment
        self._settings = settings

    @classmethod
    def open(
        cls, name: str = "demo", root: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> "Instance":
        """Read the instance, or make its ports and secrets; starts nothing."""
        if not _NAME.fullmatch(name):
            raise CannotContinue(f"{name!r} cannot be an instance's name: use small letters, digits and hyphens.")
        environment = os.environ if environment is None else environment
        root = (root or repository_root()).resolve()
        instance = cls(name, root, {}, environment)
        make_folder(root / ".ventros")
        make_folder(instance.folder)
        with instance.locked():
            instance._settings = instance._read_or_make()
        return instance

    # ---- what it knows

    @property
    def ports(self) -> dict[str, int]:
        return dict(self._settings["ports"])

    @property
    def secrets(self) -> dict[str, Any]:
        secrets: dict[str, Any] = self._settings["secrets"]
        return secrets

    @property
    def partitions(self) -> int:
        return int(self._settings["partitions"])

    @property
    def for_tests(self) -> bool:
        return self.name == "test" or self.name.startswith("test-")

    @property
    def _steps_aside(self) -> bool:
        return self.for_tests or self.name == "bench"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def records(self) -> Path:
        """Pid and birth of every process that we started."""
        return self.folder / "run"

    @property
    def external_rabbitmq_url(self) -> str | None:
        """A broker that the person brings along: then none is started here."""
        found = ports.setting(self.name, "RABBITMQ_URL", self.environment)
        own = f"@127.0.0.1:{self.ports['rabbitmq']}/"  # from `env <service>` in this shell
        return found[1] if found and own not in found[1] else None

    @property
    def external_temporal_host(self) -> str | None:
        """A Temporal server that the person brings along: then none is started here."""
        found = ports.setting(self.name, "TEMPORAL_HOST", self.environment)
        return (
            found[1] if found and found[1] != self.temporal().host else None
        )  # ours: from `env <service>` in this shell

    # ---- addresses

    def way_to(self, server: str) -> str:
        """The name of the port at which the services reach a server: its own, or that of a proxy which somebody runs there.

        `THROUGH_PROXIES=postgres,rabbitmq,temporal` says for which; a test of networks that fail puts itself in between.
        """
        found = ports.setting(self.name, "THROUGH_PROXIES", self.environment)
        return f"{server}_proxy" if found and server in found[1].split(",") else server

    def postgres_dsn(self, user: str, password: str, database: str = DATABASE, *, port: str = "postgres") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.ports[port]}/{database}"

    @property
    def postgres_superuser_dsn(self) -> str:
        return self.postgres_dsn(SUPERUSER, self.secrets["postgres"]["superuser"])

    def rabbitmq_url_of(self, user: str, *, port: str = "rabbitmq") -> str:
        """The broker's address for one of its users (the same for all where the broker is an external one)."""
        if self.external_rabbitmq_url:
            return self.external_rabbitmq_url
        return f"amqp://{user}:{self.secrets['rabbitmq']['users'][user]}@127.0.0.1:{self.ports[port]}/%2F"

    @property
    def rabbitmq_url(self) -> str:
        """Of a user that may do everything."""
        return self.rabbitmq_url_of(TESTS if self.for_tests else ALL_POWERFUL)

    @property
    def temporal_host(self) -> str:
        """Temporal's host:port, whether it runs there already or will later."""
        return self.external_temporal_host or self.temporal().host

    @property
    def temporal_namespace(self) -> str:
        found = ports.setting(self.name, "TEMPORAL_NAMESPACE", self.environment)
        return found[1] if found and self.external_temporal_host else NAMESPACE

    # ---- servers

    def postgres(self) -> PostgresServer:
        password = self.secrets["postgres"]["superuser"]
        record, log = self.records / "postgres.json", self.logs / "postgres.log"
        return PostgresServer(self.name, self.folder / "postgres", self.ports["postgres"], password, record, log)

    def rabbitmq(self) -> RabbitmqServer:
        secrets = self.secrets["rabbitmq"]
        return RabbitmqServer(
            self.name,
            self.folder / "rabbitmq",
            self.ports,
            secrets["users"],
            secrets["cookie"],
            self.records,
            self.logs,
            for_tests=self.for_tests,
        )

    def temporal(self) -> TemporalServer:
        folder = self.folder / "temporal"
        return TemporalServer(self.name, folder, self.ports, self.records, self.logs, self.environment)

    def redis(self) -> RedisServer:
        record, log = self.records / "redis.json", self.logs / "redis.log"
        return RedisServer(self.name, self.folder / "redis", self.ports["redis"], record, log)

    def start(self, only: Collection[str] = NEEDED) -> Addresses:
        """Start the servers that do not run and leave them running; safe when several processes call it at once."""
        if unknown := set(only) - SERVERS:
            raise CannotContinue(
                f"There is no server called {', '.join(sorted(unknown))}: choose from postgres, rabbitmq, temporal and redis."
            )
        with self.locked():
            self.settle_ports()
            self.start_unlocked(only)
        return Addresses(
            self.postgres_superuser_dsn if "postgres" in only else None,
            self.rabbitmq_url if "rabbitmq" in only else None,
            self.temporal_host if "temporal" in only else None,
        )

    def start_unlocked(self, only: Collection[str]) -> None:
        """The same for a caller that holds the lock."""
        if self._settings["data_is_older"]:
            raise CannotContinue(
                f"The instance.json with the passwords of instance {self.name} was lost, but its data is still there: "
                f"put the file back into {self.folder}, or start anew after `make reset INSTANCE={self.name}`."
            )
        make_folder(self.records, 0o700)
        make_folder(self.logs, 0o700)
        if "postgres" in only:
            self.postgres().start()
        if "rabbitmq" in only and not self.external_rabbitmq_url:
            self.rabbitmq().start()
        if "temporal" in only and not self.external_temporal_host:
            self.temporal().start()
        if "redis" in only:
            self.redis().start()

    def stop(self) -> None:
        """Stop the servers; their data stays."""
        with self.locked():
            self.stop_unlocked()

    def reset(self) -> None:
        """Stop the servers and remove everything of this instance, secrets included."""
        with self.locked():
            self.stop_unlocked()
            shutil.rmtree(self.folder, ignore_errors=True)

    def stop_unlocked(self) -> None:
        self.redis().stop()
        self.temporal().stop()
        self.rabbitmq().stop()
        self.postgres().stop()

    # ---- its file

    def _read_or_make(self) -> dict[str, Any]:
        path = self.folder / "instance.json"
        found = read_json(path)
        if isinstance(found, dict):
            return self._with_what_is_new(path, found)
        chosen = ports.default_ports(self.name) | ports.overridden(self.name, self.environment)
        ports.check_distinct(self.name, chosen)
        made = {"name": self.name, "ports": chosen, "partitions": self._wanted_partitions(), "secrets": make_secrets()}
        # Data without its passwords: the file was removed by hand. Kept in mind, so that only a start refuses.
        made["data_is_older"] = (self.folder / "postgres" / "data").exists()
        write_private_json(path, made)
        return made

    def _with_what_is_new(self, path: Path, found: dict[str, Any]) -> dict[str, Any]:
        """Add the secrets and ports that a newer version of this program wants and an older one did not make."""
        secrets = _completed(found["secrets"], make_secrets())
        base = mode(port - ports.OFFSETS[name] for name, port in found["ports"].items())  # a single port may be moved
        wanted = {name: base + offset for name, offset in ports.OFFSETS.items()} | found["ports"]
        if secrets != found["secrets"] or wanted != found["ports"]:
            found |= {"secrets": secrets, "ports": wanted}
            write_private_json(path, found)
        return found

    def _wanted_partitions(self) -> int:
        found = ports.setting(self.name, "BUS_PARTITIONS", self.environment)
        if found and found[1] not in ("1", "2", "4", "8"):
            raise CannotContinue(f"{found[0]} is {found[1]!r}: set it to 1, 2, 4 or 8.")
        return int(found[1]) if found else DEFAULT_PARTITIONS

    def settle_ports(self) -> None:
        """Move the ports that the environment names, unless something of this instance runs on the old ones.

        Nobody types the ports of tests and benchmarks: those step aside by themselves for what is there already.
        """
        named = ports.overridden(self.name, self.environment)
        wanted = self.ports | named
        if wanted == self.ports and (named or not self._steps_aside or all(map(ports.is_free, wanted.values()))):
            return
        if self.postgres().process() or any(map(Process.recorded, self.records.glob("*.json"))):
            if named:
                say(f"· instance {self.name} keeps its ports while it runs: stop it first to move them")
            return
        if not named:
            wanted = ports.free_ports(self.name)
        ports.check_distinct(self.name, wanted)
        self._settings["ports"] = wanted
        write_private_json(self.folder / "instance.json", self._settings)

    @contextmanager
    def locked(self, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
        """One process at a time starts or stops things of this instance; the others wait for it."""
        # Beside the instance's folder, so that a reset cannot take the lock away under somebody who waits for it.
        handle = os.open(self.folder.with_name(f".{self.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise CannotContinue(
                            f"Another start or stop of instance {self.name} has not ended for {seconds:.0f} s: "
                            f"end it and repeat."
                        ) from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(handle)


def _completed(found: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Return `found` with what only `made` has, at every depth."""
    both = {
        name: _completed(found[name], made[name]) if isinstance(made[name], dict) else found[name]
        for name in made.keys() & found.keys()
    }
    return {**made, **found, **both}
