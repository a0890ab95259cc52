"""The product in processes of its own, beside a running demo."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from confidences import Confidences, secrets_in
from local_stack import stack
from local_stack.instances import Instance
from local_stack.process_table import url
from product import ENVIRONMENT, Product
from xdist.scheduler import LoadFileScheduling


class _OneProductOneWorker(LoadFileScheduling):
    """Tests of this folder share one running product, so they go to one worker; all others go by file."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests-e2e" if nodeid.startswith("tests-e2e/") else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Take part in `--dist loadfile`, which is how all tests are run."""
    return _OneProductOneWorker(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Search the logs of the whole run, when all others have made them."""
    items.sort(key=lambda item: item.path.name == "test_logs_tell_nothing.py")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product() -> AsyncIterator[Product]:
    """Start everything; stop it afterwards, keeping its data for whoever looks."""
    instance = Instance.open("test-e2e", environment={**os.environ, **ENVIRONMENT})
    stack.reset(instance)  # what an earlier run left would be counted
    instance = Instance.open("test-e2e", environment={**os.environ, **ENVIRONMENT})
    stack.up(instance)
    confidences = Confidences()
    confidences.note("a secret of the installation", list(secrets_in(instance.secrets)))
    async with httpx.AsyncClient(
        base_url=url(instance, "gateway"), timeout=30, trust_env=False, event_hooks=confidences.hooks
    ) as client:
        yield Product(instance, client, confidences)
    stack.down(instance)
