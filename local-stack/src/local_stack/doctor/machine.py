"""The machine: room on the disk, ports that are ours, and nothing that listens to the network."""

import ipaddress
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from local_stack import ports
from local_stack.doctor.finding import Finding, Of
from local_stack.instances import Instance
from local_stack.processes import Process
from local_stack.progress import CannotContinue

DISK, PORTS = Of("disk"), Of("ports")
FULL_BYTES = 500_000_000  # RabbitMQ refuses below 50 MB, Postgres stops at none
TIGHT_BYTES = 2_000_000_000
TIGHT_SHARE = 0.1


async def examine(instance: Instance) -> list[Finding]:
    """Look at the disk under the instance's folder and at its ports."""
    usage = shutil.disk_usage(instance.folder)
    return [disk(instance.folder, usage.free, usage.total), *_ports(instance)]


def disk(folder: Path, free: int, total: int) -> Finding:
    """Judge so many free bytes."""
    told = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free below {folder}"
    repair = "free disk space, or move the clone; `make reset` removes an instance's data"
    if free < FULL_BYTES:
        return DISK.fail(told, repair)
    if free < min(TIGHT_BYTES, TIGHT_SHARE * total):
        return DISK.warn(told, repair)
    return DISK.ok(told)


def _ports(instance: Instance) -> list[Finding]:
    own = {
        process.pid
        for record in instance.records.glob("*.json")
        if record.stem != "supervisor" and (process := Process.recorded(record))
    }
    listening = {} if not own else listening_of(own)
    found = []
    for place, port in sorted(listening.items()):
        if not ipaddress.ip_address(place.rpartition(":")[0]).is_loopback:
            found.append(
                PORTS.fail(
                    f"{place} can be reached from other machines", f"stop what listens on port {port}, and report this"
                )
            )
    for name, port in instance.ports.items():
        if port not in listening.values() and not ports.is_free(port):
            found.append(_taken(instance, name, port))
    if not found:
        told = f"{len(listening)} listen, on loopback only" if listening else f"{len(instance.ports)} are free"
        found.append(PORTS.ok(told))
    return found


def _taken(instance: Instance, name: str, port: int) -> Finding:
    try:
        ports.check_free(instance.name, name, port)
    except CannotContinue as taken:
        told, _, repair = str(taken).partition(": ")
        return PORTS.fail(told, repair)
    return PORTS.ok(f"{port} is free again")


def listening_of(pids: set[int]) -> dict[str, int]:
    """Return address:port of every listening socket of these processes, as /proc tells it, with the port."""
    inodes = set()
    for pid in pids:
        try:
            handles = list(Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            continue  # it has ended meanwhile, or belongs to somebody else
        for handle in handles:
            with suppress(OSError):  # closed meanwhile: a busy server opens and closes all the time
                inodes.add(str(handle.readlink()))
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                host, _, port = fields[1].partition(":")
                words = [int(host[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(host), 8)]
                found[f"{ipaddress.ip_address(b''.join(words))}:{int(port, 16)}"] = int(port, 16)
    return found
