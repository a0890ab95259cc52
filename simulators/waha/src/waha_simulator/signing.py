"""How WAHA signs a webhook: HMAC-SHA512 over the raw bytes of the body, in lower-case hex."""

import hashlib
import hmac

ALGORITHM = "sha512"


def sign(body: bytes, key: str) -> str:
    """The value of the header `x-webhook-hmac` for these raw bytes under the webhook's `hmac.key`."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def webhook_headers(
    body: bytes, *, key: str | None, request_id: str, timestamp_ms: int, version: str
) -> dict[str, str]:
    """All headers of one delivery. `timestamp_ms` is that of the body and is not refreshed on a retry."""
    headers = {
        "content-type": "application/json",
        "user-agent": f"WAHA/{version}",
        "x-webhook-request-id": request_id,
        "x-webhook-timestamp": str(timestamp_ms),
    }
    if key:
        headers["x-webhook-hmac"] = sign(body, key)
        headers["x-webhook-hmac-algorithm"] = ALGORITHM
    return headers
