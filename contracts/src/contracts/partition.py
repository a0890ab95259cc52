"""Which partition a key lies in. Part of the wire: every release of every service must agree, so never `hash()`."""

import hashlib


def partition_of(key: str, partitions: int) -> int:
    """Return the first 8 bytes of BLAKE2b(key), read as a big-endian integer, modulo `partitions`."""
    return int.from_bytes(hashlib.blake2b(key.encode()).digest()[:8], "big") % partitions
