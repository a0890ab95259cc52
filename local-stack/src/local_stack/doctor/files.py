"""Secrets and keys: there, readable by nobody else, and fitting each other."""

import base64
import os
import stat
from pathlib import Path

from local_stack.credentials import public_pem
from local_stack.doctor.finding import Finding, Of, make
from local_stack.files import PRIVATE, read_json
from local_stack.instances import Instance

SECRETS = Of("secrets")
_KEYS = ("jwt_private_key", "internal_token_private_key", "internal_token_public_keys", "encryption_aes_key")


async def examine(instance: Instance) -> list[Finding]:
    """Look at every file that holds a secret of this instance."""
    keys = instance.folder / "keys"
    files = [instance.folder / "instance.json", *(keys / name for name in _KEYS if keys.exists())]
    told = instance.folder.with_name(f"{instance.name}.json")  # the demo's login and API key
    files += [told] if told.exists() else []
    found = [one for path in files if (one := _file(instance, path))]
    found += [one for folder in (instance.logs, instance.records, keys) if (one := _folder(folder))]
    if not found and keys.exists():
        found = _fit(instance, keys)
    return found or [SECRETS.ok(f"{len(files)} files, for {_owner_name()} only")]


def _file(instance: Instance, path: Path) -> Finding | None:
    if not path.exists():
        return SECRETS.fail(f"{path} is missing", f"{make(instance, 'down up')} writes the keys anew")
    about = path.stat()
    if stat.S_IMODE(about.st_mode) != PRIVATE:
        return SECRETS.fail(f"{path} is open to others ({stat.S_IMODE(about.st_mode):o})", f"`chmod 600 {path}`")
    if about.st_uid != os.geteuid():
        return SECRETS.fail(f"{path} belongs to somebody else", f"run as its owner, or `chown {os.geteuid()} {path}`")
    return None


def _folder(path: Path) -> Finding | None:
    if path.exists() and path.stat().st_mode & 0o077:
        return SECRETS.fail(f"{path} is open to others", f"`chmod 700 {path}`")
    return None


def _fit(instance: Instance, keys: Path) -> list[Finding]:
    """The services read the files; the instance's own file is what they are written from."""
    secrets = (read_json(instance.folder / "instance.json") or {}).get("secrets", {})
    expected = {name: secrets.get(name) for name in _KEYS}
    expected["internal_token_public_keys"] = public_pem(secrets["internal_token_private_key"])
    differing = [name for name, content in expected.items() if (keys / name).read_text() != content]
    found = [
        SECRETS.fail(
            f"{keys / name} is not what was made for this instance", f"{make(instance, 'down up')} writes it anew"
        )
        for name in differing
    ]
    name, _, key = str(expected["encryption_aes_key"]).partition(":")
    if not name or len(base64.b64decode(key)) != 32:
        found.append(SECRETS.fail("the encryption key is not 32 bytes", "restore instance.json from a backup"))
    return found


def _owner_name() -> str:
    return "root" if os.geteuid() == 0 else "you"
