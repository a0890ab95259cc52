"""The product in processes of its own, beside a running demo."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from local_stack import stack
from local_stack.instances import Instance
from local_stack.process_table import url
from product import Product


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def product() -> AsyncIterator[Product]:
    """Start everything; stop it afterwards, keeping its data for whoever looks."""
    instance = Instance.open("test-e2e")
    stack.up(instance)
    async with httpx.AsyncClient(base_url=url(instance, "gateway"), timeout=30, trust_env=False) as client:
        yield Product(instance, client)
    stack.down(instance)
