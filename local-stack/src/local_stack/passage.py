"""Letting one user walk through a folder that is closed to it: an entry in the folder's access control list."""

import os
import stat
import struct
from pathlib import Path

# posix_acl_xattr.h: a version, then entries of tag, rights and user or group (0xFFFFFFFF where the tag needs none).
_ATTRIBUTE = "system.posix_acl_access"
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_ACL_VERSION, _NOBODY, _SEARCH = 2, 0xFFFFFFFF, 1
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20


def let_pass(folder: Path, uid: int) -> bool:
    """Let this one user walk through a folder without listing or writing in it; False where it may already."""
    acl = _acl(folder)
    allowed = with_pass(acl, uid)
    if folder.stat().st_mode & stat.S_IXOTH or allowed == acl:
        return False
    try:
        os.setxattr(folder, _ATTRIBUTE, allowed)
    except OSError:  # a file system without access control lists
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
    return True


def _acl(folder: Path) -> bytes:
    """The folder's access control list, or the one that its mode stands for."""
    try:
        return os.getxattr(folder, _ATTRIBUTE)
    except OSError:
        mode = folder.stat().st_mode
        entries = [(_USER_OBJ, mode >> 6 & 7), (_GROUP_OBJ, mode >> 3 & 7), (_OTHER, mode & 7)]
        return _HEAD.pack(_ACL_VERSION) + b"".join(_ENTRY.pack(tag, may, _NOBODY) for tag, may in entries)


def with_pass(acl: bytes, uid: int) -> bytes:
    """The same list (posix_acl_xattr.h) with the search right for one more user."""
    entries = {(tag, who): may for tag, may, who in _ENTRY.iter_unpack(acl[_HEAD.size :])}
    mask = entries.get((_MASK, _NOBODY), entries[_GROUP_OBJ, _NOBODY])
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _SEARCH
    entries[_MASK, _NOBODY] = mask | _SEARCH
    packed = (_ENTRY.pack(tag, may, who) for (tag, who), may in sorted(entries.items()))
    return _HEAD.pack(_ACL_VERSION) + b"".join(packed)
