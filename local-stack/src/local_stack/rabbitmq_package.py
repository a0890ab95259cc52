"""Finding RabbitMQ on this machine, or installing the system's package without letting it start a broker."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.processes import run
from local_stack.progress import CannotContinue, step

_FOLDERS = ("/usr/lib/rabbitmq/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/rabbitmq/sbin", "/usr/sbin", "/usr/bin")
_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBID = "#!/bin/sh\n# Put here by Ventros CRM while it installs a package.\nexit 101\n"
_LOCK = Path("/run/lock/ventros-install.lock")
_WAIT = ("-o", "DPkg::Lock::Timeout=120")
_SETTING_RABBITMQ_URL = "set RABBITMQ_URL to a broker that you have"


def server_script() -> Path:
    """RabbitMQ's own start script; installs the system package where there is none."""
    with _one_at_a_time():
        found = _find()
        if found is None:
            _install()
            found = _find()
    if found is None:
        raise CannotContinue(
            f"The package rabbitmq-server is installed but its programs were not found: {_SETTING_RABBITMQ_URL}."
        )
    return found


def epmd_program() -> Path:
    """Erlang's port mapper, on PATH or in Erlang's own folders."""
    on_path = shutil.which("epmd", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
    if on_path:
        return Path(on_path)
    for pattern in ("usr/lib/erlang/erts-*/bin/epmd", "usr/local/lib/erlang/erts-*/bin/epmd"):
        if found := sorted(Path("/").glob(pattern)):
            return found[-1]
    raise CannotContinue(f"Erlang's `epmd` was not found: install erlang-base, or {_SETTING_RABBITMQ_URL}.")


def _find() -> Path | None:
    folders = [*_FOLDERS, *os.environ.get("PATH", "").split(":")]
    for folder in folders:
        script = Path(folder) / "rabbitmq-server"
        # Debian's /usr/sbin/rabbitmq-server is a wrapper that changes user and folder; the script itself lives beside
        # rabbitmq-env.
        if folder and script.exists() and (script.resolve().parent / "rabbitmq-env").exists():
            return script.resolve()
    return None


def _install() -> None:
    apt = shutil.which("apt-get")
    if apt is None:
        raise CannotContinue(
            "RabbitMQ is missing and this system has no apt-get: install RabbitMQ 3.10 or newer, "
            f"or {_SETTING_RABBITMQ_URL}."
        )
    if os.geteuid() != 0:
        raise CannotContinue(
            f"RabbitMQ is missing: run `sudo apt-get install rabbitmq-server` once, or {_SETTING_RABBITMQ_URL}."
        )
    with (
        step("installing the system package rabbitmq-server (apt-get, once, about 60 MB)"),
        no_service_starts(),
        TemporaryDirectory() as folder,
    ):
        log = Path(folder) / "apt.log"
        run(_logged(log, "dpkg", "--configure", "-a"), environment=_apt_environment(), seconds=600)
        run(_logged(log, apt, "update"), environment=_apt_environment(), seconds=600)
        install = _logged(log, apt, "install", "-y", "--no-install-recommends", *_WAIT, "rabbitmq-server")
        failed = run(install, environment=_apt_environment(), seconds=1200).returncode
        reasons = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("E:")]
    if failed:
        raise CannotContinue(
            f"apt-get could not install rabbitmq-server ({(reasons or ['no reason given'])[-1]}): "
            f"check the network and the package sources and repeat, or {_SETTING_RABBITMQ_URL}."
        )


def _logged(log: Path, *command: str) -> list[str]:
    """Into a file instead of a pipe: if we are killed meanwhile, the package manager ends its work undisturbed."""
    return ["/bin/sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", str(log), *command]


def _apt_environment() -> dict[str, str]:
    return dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two instances that start at once on a bare machine install once, and find nothing half unpacked."""
    if os.geteuid() != 0:
        yield  # cannot install, so nothing of ours is half unpacked
        return
    handle = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def no_service_starts() -> Iterator[None]:
    """Debian starts a broker on port 5672 while it installs, unless policy-rc.d says no (101: action forbidden)."""
    kept = _POLICY.with_name("policy-rc.d.before-ventros")
    if _POLICY.exists() and _POLICY.read_text() != _FORBID and not kept.exists():
        _POLICY.rename(kept)
    _POLICY.write_text(_FORBID)  # also over what an installation that was killed left of ours
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if kept.exists():
            kept.replace(_POLICY)
        else:
            _POLICY.unlink(missing_ok=True)
