"""Ed25519 keys as operators keep them (PEM, PKCS 8 and SubjectPublicKeyInfo), as JWKs.

The key id is made from the key itself (RFC 7638)."""

import re
from typing import Any

from joserfc.jwk import OKPKey

_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)


def keys_of_pem(text: str) -> list[dict[str, Any]]:
    """Return the JWKs in a text of one or several PEM blocks, private where the blocks are; raise ValueError otherwise."""
    blocks = [found[0] for found in _BLOCK.finditer(text)]
    if not blocks:
        raise ValueError("a PEM block with an Ed25519 key is expected")
    keys = []
    for block in blocks:
        key = OKPKey.import_key(block)
        if key.curve_name != "Ed25519":
            raise ValueError("only Ed25519 keys are used")
        keys.append({**key.as_dict(private=key.is_private), "kid": key.thumbprint(), "use": "sig"})
    return keys
