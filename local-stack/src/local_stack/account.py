"""The operating-system user that Postgres runs as: us, or, since Postgres refuses root, a user made for it."""

import os
import pwd
import shlex
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.passage import let_pass
from local_stack.processes import run
from local_stack.progress import CannotContinue, say

USER = "ventros-postgres"
_ADMIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def command(self, command: Sequence[str]) -> list[str]:
        """The same command, run as this user."""
        return [*self.prefix, *command]

    def reaches(self, folder: Path, programs: Path) -> bool:
        """Whether this user can work in `folder` and run what is in `programs`/bin."""
        data_file = programs / "share" / "postgresql" / "postgres.bki"
        wanted = f"test -w {_q(folder)} && test -r {_q(data_file)} && {_q(programs / 'bin' / 'initdb')} --version"
        return run(self.command(["/bin/sh", "-c", wanted]), cwd=Path("/"), seconds=10).returncode == 0

    def own(self, path: Path) -> None:
        if path.stat().st_uid != self.uid:
            os.chown(path, self.uid, self.gid)


def _q(path: Path) -> str:
    return shlex.quote(str(path))


def postgres_account(folder: Path, programs: Path) -> Account:
    """Ourselves where we are not root, else the user made for Postgres, able to reach its folder and its programs."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    entry = _existing() or _made()
    setpriv = shutil.which("setpriv", path=_ADMIN_PATH)
    if setpriv is None:
        raise CannotContinue(
            "`setpriv` is missing: install it with `apt-get install util-linux`, or do not run as root."
        )
    prefix = (setpriv, "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups")
    account = Account(entry.pw_uid, entry.pw_gid, prefix)
    account.own(folder)
    if not account.reaches(folder, programs):
        # A clone under /root, in a private temporary folder, or made with a strict umask.
        opened = [one for one in sorted({*folder.parents, *programs.parents}) if let_pass(one, account.uid)]
        if opened:
            more = f" and {len(opened) - 1} folders in it" if opened[1:] else ""
            say(f"· letting the user {USER} pass through {opened[0]}{more} (search right only)")
        if not account.reaches(folder, programs):
            _make_readable(programs)
            _make_readable(programs.parent.with_name(f"{programs.parent.name}.libs"))
        if not account.reaches(folder, programs):
            raise CannotContinue(
                f"Postgres runs as the user {USER}, which cannot reach {folder}: put the project into a folder that "
                f"other users may pass through."
            )
    return account


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


def _make_readable(programs: Path) -> None:
    """A strict umask left the wheel's own files, which hold no secret, to root alone."""
    for path in [programs, *programs.rglob("*")] if programs.exists() else []:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
