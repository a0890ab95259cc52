"""Rate limits: whether all gateways count together, asked of the gateway, which has to."""

import asyncio
import json

from local_stack.answering import ask
from local_stack.doctor.finding import Finding, Of, make
from local_stack.instances import Instance
from local_stack.process_table import url

LIMITS = Of("limits")


async def examine(instance: Instance) -> list[Finding]:
    """Let the gateway use Redis, where one is set."""
    told = await asyncio.to_thread(ask, "GET", f"{url(instance, 'gateway')}/health/redis")
    if told is None:
        return [
            LIMITS.fail("the gateway does not say whether Redis answers", make(instance, "logs SERVICE=api-gateway"))
        ]
    found = json.loads(told)
    if found.get("metadata", {}).get("configured") is False:
        return [LIMITS.ok("no Redis is set: each gateway counts for itself, which is right for a single one")]
    if found.get("status") == "healthy":
        return [LIMITS.ok("Redis answers: all gateways count together")]
    return [
        LIMITS.warn(
            "Redis does not answer: each gateway counts for itself meanwhile", "look at REDIS_URL, and at Redis"
        )
    ]
