"""The signature of a webhook: HMAC-SHA512 over the raw bytes, before anything is parsed. Facts: guide 3.2."""

import hmac
import re
from collections.abc import Sequence

_HEXADECIMAL = re.compile(r"[0-9a-f]{128}", re.ASCII)
_ALGORITHM = "sha512"


def verify(raw: bytes, signatures: Sequence[str], algorithms: Sequence[str] = (), *, keys: Sequence[bytes]) -> bool:
    """Return whether one of the channel's keys has signed these bytes.

    `signatures` and `algorithms` are all values of the headers `x-webhook-hmac` and `x-webhook-hmac-algorithm`:
    exactly one signature in lower-case hexadecimal, and no algorithm or `sha512`. Several keys are valid while they
    are rotated; an empty key is none. Every key is tried, so that the time does not tell which one fits.
    """
    if len(signatures) != 1 or not _HEXADECIMAL.fullmatch(signatures[0]):
        return False
    if any(algorithm != _ALGORITHM for algorithm in algorithms) or len(algorithms) > 1:
        return False
    claimed = signatures[0]
    genuine = False
    for key in keys:
        if key:
            genuine |= hmac.compare_digest(hmac.digest(key, raw, "sha512").hex(), claimed)
    return genuine
