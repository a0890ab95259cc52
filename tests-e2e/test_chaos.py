"""The part of `make chaos` that every test run repeats, against the product that the other tests of this folder use."""

import pytest
from catalogue import chosen
from product import Product
from running import run_scenario
from stand import Stand

SEED = 20261121
SELECTION = ("2-relay-killed-once", "3-consumer-killed-once", "5-few-killed", "11-postgres-crash")
"""What loses and doubles where the outbox, the inbox or a send is not what it promises: under three minutes in all."""


@pytest.mark.timeout(150)
@pytest.mark.parametrize("key", SELECTION)
async def test_nothing_is_lost_doubled_or_reordered_whoever_is_killed(product: Product, key: str) -> None:
    """Load flows before, during and after; the ledger of those who sent it decides (docs/reliability.md)."""
    (scenario,) = chosen(key)
    report = await run_scenario(scenario, Stand.around(product), SEED)
    print(report.text())
    assert report.green, report.text()
