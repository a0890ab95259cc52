"""The product in processes of its own, beside a running demo."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from local_stack import stack
from local_stack.instances import Instance
from local_stack.process_table import url
from product import Product

# The tests are one address and one credential where the world has many.
LIMITS = {"RATE_LIMIT_AUTH_MAX": "1000", "RATE_LIMIT_TENANT_MAX": "10000", "RATE_LIMIT_AUTHENTICATED_MAX": "10000"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def product() -> AsyncIterator[Product]:
    """Start everything; stop it afterwards, keeping its data for whoever looks."""
    instance = Instance.open("test-e2e", environment={**os.environ, **LIMITS})
    stack.reset(instance)  # what an earlier run left would be counted
    instance = Instance.open("test-e2e", environment={**os.environ, **LIMITS})
    stack.up(instance)
    async with httpx.AsyncClient(base_url=url(instance, "gateway"), timeout=30, trust_env=False) as client:
        yield Product(instance, client)
    stack.down(instance)
