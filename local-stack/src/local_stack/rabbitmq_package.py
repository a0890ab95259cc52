"""Finding RabbitMQ on this machine, or installing the system's package."""

import os
import shutil
from pathlib import Path

from local_stack.progress import CannotContinue
from local_stack.system_package import install, one_at_a_time

_FOLDERS = ("/usr/lib/rabbitmq/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/rabbitmq/sbin", "/usr/sbin", "/usr/bin")
_SETTING_RABBITMQ_URL = "set RABBITMQ_URL to a broker that you have"


def server_script() -> Path:
    """RabbitMQ's own start script; installs the system package where there is none."""
    with one_at_a_time():
        found = _find()
        if found is None:
            install("rabbitmq-server", "about 60 MB", _SETTING_RABBITMQ_URL)
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
