"""The composition root: the only file that names every concrete class."""

from runtime.parts import Parts
from runtime.service import Blueprint

SERVICE = "pipeline-automation"


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""
    return Blueprint()
