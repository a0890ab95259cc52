"""What a provider needs to know before it sends the first webhook. Public: it names no channel and no secret."""

from typing import Any

from web.bodies import Answer
from web.routes import Routes

from channel_gateway.domain.webhook_wishes import EVENTS, RETRY_ATTEMPTS, RETRY_DELAY_S, RETRY_POLICY


class WebhookInfo(Answer):
    """What the doors expect."""

    waha: dict[str, Any]


def webhook_info_routes(max_bytes: int) -> Routes:
    """Return the route; `max_bytes` is the largest body that is taken."""
    routes = Routes("webhooks")

    @routes.get("/webhooks/info", permission="public")
    async def get_webhook_info() -> WebhookInfo:
        """Say what the webhook doors expect."""
        return WebhookInfo(
            waha={
                "method": "POST",
                "paths": ["/api/v1/webhooks/{webhook_id}", "/api/v1/webhooks/waha/{session}", "/api/v1/webhooks/waha"],
                "content_type": "application/json",
                "max_bytes": max_bytes,
                "signature": {
                    "header": "X-Webhook-Hmac",
                    "algorithm_header": "X-Webhook-Hmac-Algorithm",
                    "algorithm": "sha512",
                    "over": "the raw bytes of the body",
                    "form": "lower-case hexadecimal",
                },
                "events": list(EVENTS),
                "retries": {"policy": RETRY_POLICY, "attempts": RETRY_ATTEMPTS, "delay_seconds": RETRY_DELAY_S},
                "answers": {
                    "200": "stored, or known already",
                    "400": "not JSON",
                    "401": "the signature is wrong or missing",
                    "404": "nobody's address",
                    "413": "too large",
                    "503": "it could not be stored: send it again after Retry-After seconds",
                },
            }
        )

    return routes
