"""Installing a package of the system without letting it start its server."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.processes import run
from local_stack.progress import CannotContinue, step

_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBID = "#!/bin/sh\n# Put here by Ventros CRM while it installs a package.\nexit 101\n"
_LOCK = Path("/run/lock/ventros-install.lock")
_WAIT = ("-o", "DPkg::Lock::Timeout=120")


def install(package: str, size: str, otherwise: str) -> None:
    """Install it with apt-get, as root; CannotContinue says what to do `otherwise`. Call it one at a time."""
    apt = shutil.which("apt-get")
    if apt is None:
        raise CannotContinue(f"{package} is missing and this system has no apt-get: install it, or {otherwise}.")
    if os.geteuid() != 0:
        raise CannotContinue(f"{package} is missing: run `sudo apt-get install {package}` once, or {otherwise}.")
    with (
        step(f"installing the system package {package} (apt-get, once, {size})"),
        no_service_starts(),
        TemporaryDirectory() as folder,
    ):
        log = Path(folder) / "apt.log"
        run(_logged(log, "dpkg", "--configure", "-a"), environment=_apt_environment(), seconds=600)
        run(_logged(log, apt, "update"), environment=_apt_environment(), seconds=600)
        command = _logged(log, apt, "install", "-y", "--no-install-recommends", *_WAIT, package)
        failed = run(command, environment=_apt_environment(), seconds=1200).returncode
        reasons = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("E:")]
    if failed:
        raise CannotContinue(
            f"apt-get could not install {package} ({(reasons or ['no reason given'])[-1]}): "
            f"check the network and the package sources and repeat, or {otherwise}."
        )


def _logged(log: Path, *command: str) -> list[str]:
    """Into a file instead of a pipe: if we are killed meanwhile, the package manager ends its work undisturbed."""
    return ["/bin/sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", str(log), *command]


def _apt_environment() -> dict[str, str]:
    return dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}


@contextmanager
def one_at_a_time() -> Iterator[None]:
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
