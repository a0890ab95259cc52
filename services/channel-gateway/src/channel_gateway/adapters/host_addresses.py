"""The addresses of a host, asked of the system's resolver."""

import asyncio
import socket

LOOK_UP_S = 3.0


async def addresses_of(host: str, port: int) -> list[str]:
    """Return all A and AAAA records of a host; OSError where it cannot be looked up in time."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LOOK_UP_S):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(each[4][0]) for each in found})
