"""python -m local_stack.temporal_download <folder> <version>: let Temporal's SDK download its development server.

In a process of its own: the SDK downloads only what it also starts, and knows no deadline.
"""

import asyncio
import sys

from temporalio.testing import WorkflowEnvironment


async def download(folder: str, version: str) -> None:
    """Leave the program as `temporal-<version>` in the folder; RuntimeError says why not."""
    server = await WorkflowEnvironment.start_local(download_dest_dir=folder, dev_server_download_version=version)
    await server.shutdown()


if __name__ == "__main__":
    try:
        asyncio.run(download(*sys.argv[1:]))
    except RuntimeError as refused:
        sys.stdout.write(str(refused).rpartition("server executable: ")[2])
        sys.exit(1)
