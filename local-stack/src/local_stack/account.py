"""The operating-system user that Postgres runs as: us, or, since Postgres refuses root, a user made for it."""

import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.processes import run
from local_stack.progress import CannotContinue, say

USER = "ventros-postgres"
_ADMIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# capabilities(7). Either lets a user walk through folders that are closed to it, the first one nothing more than read.
_CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def command(self, command: Sequence[str]) -> list[str]:
        """The same command, run as this user."""
        return [*self.prefix, *command]

    def own(self, path: Path) -> None:
        if path.stat().st_uid != self.uid:
            os.chown(path, self.uid, self.gid)


def postgres_account(must_reach: Sequence[Path]) -> Account:
    """Ourselves where we are not root, else the user made for Postgres, able to reach these paths."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    entry = _existing() or _made()
    setpriv = shutil.which("setpriv", path=_ADMIN_PATH)
    if setpriv is None:
        raise CannotContinue(
            "`setpriv` is missing: install it with `apt-get install util-linux`, or do not run as root."
        )
    prefix = [setpriv, "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups"]
    if closed := _closed_folder(must_reach):
        # A clone under /root or in a private temporary folder: rather than open other people's folders, let this one
        # program pass through them.
        capability = _available_capability()
        if capability is None:
            raise CannotContinue(
                f"Postgres runs as the user {USER}, which cannot pass through {closed}: allow it with "
                f"`chmod o+x {closed}`, or put the project into another folder."
            )
        prefix += ["--inh-caps", f"-all,+{capability}", "--ambient-caps", f"-all,+{capability}"]
    return Account(entry.pw_uid, entry.pw_gid, tuple(prefix))


def _existing() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _made() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=_ADMIN_PATH)
    if useradd is None:
        raise CannotContinue("`useradd` is missing: install it with `apt-get install passwd`, or do not run as root.")
    say(f"· making the system user {USER} (Postgres refuses to run as root)")
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    made = run([*command, "--shell", "/usr/sbin/nologin", USER], seconds=30)
    entry = _existing()  # also where another start was a moment faster
    if entry is None:
        raise CannotContinue(f"The system user {USER} could not be made ({made.stderr.strip()}): make it by hand.")
    return entry


def _closed_folder(paths: Sequence[Path]) -> Path | None:
    for path in paths:
        for folder in reversed(path.resolve().parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
    return None


def _available_capability() -> str | None:
    status = Path("/proc/self/status").read_text()
    bits = {line.split()[0]: int(line.split()[1], 16) for line in status.splitlines() if line.startswith("Cap")}
    usable = bits["CapPrm:"] & bits["CapBnd:"]
    return next((name for name, bit in _CAPABILITIES.items() if usable >> bit & 1), None)
