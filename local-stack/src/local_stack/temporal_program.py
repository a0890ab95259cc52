"""Where Temporal's program comes from: PATH, what this user brought once, the SDK's download, or `go install`."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.files import make_folder
from local_stack.processes import run
from local_stack.progress import CannotContinue, step

VERSION = "v1.5.1"  # the newest that `go install` accepts: later ones replace a module, which it refuses
_GO_PACKAGE = f"github.com/temporalio/cli/cmd/temporal@{VERSION}"
_NEEDED_OPTION = "--http-port"
_FIRST_BYTES_SECONDS = 30.0
_DOWNLOAD_SECONDS = 240.0
_BUILD_SECONDS = 1800.0
_BUILD_TICK_SECONDS = 15.0
_WORDS = (
    "Temporal is missing, so sessions wait with ending by themselves; everything else runs. The program `temporal` is not "
    "on PATH; {reasons}. Repair it in one of three ways: put Temporal's command line (1.5 or newer) on PATH, let this "
    "machine reach https://temporal.download, or install Go 1.25 or newer; then `make down up`. "
    "A server of your own is named by TEMPORAL_HOST=<host>:<port>."
)


def find(environment: Mapping[str, str]) -> Path | None:
    """The program on PATH, or the one that was brought earlier."""
    on_path = shutil.which("temporal", path=environment.get("PATH", os.defpath))
    if on_path and _serves(on_path, Path(on_path).stat().st_mtime_ns):
        return Path(on_path)
    kept = kept_program(environment)
    return kept if kept.exists() else None


def kept_program(environment: Mapping[str, str]) -> Path:
    """Where the program is kept: per user and version, outside of every clone."""
    cached = environment.get("XDG_CACHE_HOME") or f"{environment.get('HOME') or Path.home()}/.cache"
    return Path(cached) / "ventros-crm" / f"temporal-{VERSION}" / "temporal"


def obtain(environment: Mapping[str, str]) -> Path:
    """Find the program or bring it, which may take minutes; CannotContinue says how to repair it where none works."""
    reasons = []
    with _one_at_a_time(kept_program(environment).parent) as folder:
        if found := find(environment):
            return found
        for source in (_download, _build):
            with TemporaryDirectory(dir=folder) as unfinished:
                try:
                    made = source(Path(unfinished), environment)
                except CannotContinue as reason:
                    reasons.append(str(reason))
                else:
                    made.chmod(0o755)
                    return made.replace(folder / "temporal")
    raise CannotContinue(_WORDS.format(reasons="; ".join(reasons)))


@cache
def _serves(program: str, _changed: int) -> bool:
    """Whether this is a command line that can run the server as we want it; older ones cannot."""
    try:
        return _NEEDED_OPTION in run([program, "server", "start-dev", "--help"], seconds=20).stdout
    except (CannotContinue, OSError):
        return False


def _download(folder: Path, environment: Mapping[str, str]) -> Path:
    """Let the SDK download it. Where the network swallows connections nothing comes, and that is not waited for."""
    with step("downloading Temporal's program (once)"):
        command = [sys.executable, "-m", "local_stack.temporal_download", str(folder), VERSION]
        child = subprocess.Popen(  # noqa: S603
            ["setpriv", "--pdeathsig", "TERM", *command],  # noqa: S607
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with child:
            started = time.monotonic()
            while child.poll() is None:
                elapsed = time.monotonic() - started
                if elapsed > _DOWNLOAD_SECONDS or (elapsed > _FIRST_BYTES_SECONDS and not any(folder.iterdir())):
                    child.kill()
                    raise CannotContinue(f"its download sent nothing usable within {elapsed:.0f} s")
                time.sleep(0.1)
            told = child.stdout.read().strip() if child.stdout else ""
        if child.returncode:
            raise CannotContinue(f"its download failed ({told or 'no reason given'})")
    return folder / f"temporal-{VERSION}"


def _build(folder: Path, environment: Mapping[str, str]) -> Path:
    """Build it from source."""
    go = shutil.which("go", path=f"{environment.get('PATH', os.defpath)}:/usr/local/go/bin")
    if go is None:
        raise CannotContinue("Go, which could build it, is not installed")
    # It gives way to what runs, and does not outlive whoever waits for it.
    command = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "10", go, "install", _GO_PACKAGE]
    with step("building Temporal's program (go install, once, 3 to 6 minutes on two cores)", _BUILD_TICK_SECONDS):
        done = run(command, environment={**environment, "GOBIN": str(folder)}, cwd=folder, seconds=_BUILD_SECONDS)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise CannotContinue(f"`go install` could not build it ({lines[-1].strip()})")
    return folder / "temporal"


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[Path]:
    """Several instances that miss it at once bring it once."""
    try:
        make_folder(folder.parent, 0o700)
        make_folder(folder, 0o700)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as refused:
        raise CannotContinue(
            _WORDS.format(reasons=f"nor can one be kept in {folder} ({refused.strerror}; XDG_CACHE_HOME names another)")
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("waiting for another start of this user, which brings Temporal's program", _BUILD_TICK_SECONDS):
                fcntl.flock(handle, fcntl.LOCK_EX)
        for unfinished in folder.glob("tmp*"):
            shutil.rmtree(unfinished, ignore_errors=True)  # of one that was killed
        yield folder
    finally:
        os.close(handle)
