"""Every port of an instance: a block per instance name, each port movable by an environment variable."""

import errno
import socket
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from local_stack.progress import CannotContinue

BLOCK = 40
DEMO_BASE = 8080

# Distance from the base. The first eight are the table of the embedded defaults (8080 to 8087 for the demo).
OFFSETS = {
    "gateway": 0,
    "identity": 1,
    "contact": 2,
    "session": 3,
    "messaging": 4,
    "pipeline_automation": 5,
    "channel_gateway": 6,
    "billing": 7,
    "simulator": 8,
    "gateway_metrics": 10,
    "identity_metrics": 11,
    "contact_metrics": 12,
    "session_metrics": 13,
    "messaging_metrics": 14,
    "pipeline_automation_metrics": 15,
    "channel_gateway_metrics": 16,
    "billing_metrics": 17,
    "simulator_metrics": 18,
    "postgres": 20,
    "rabbitmq": 21,
    "epmd": 22,
    "rabbitmq_dist": 23,
    "temporal": 24,
    "temporal_ui": 25,
    "temporal_metrics": 26,
    "redis": 27,
    "postgres_proxy": 30,
    "rabbitmq_proxy": 31,
    "temporal_proxy": 32,
}

_BASES = {"demo": DEMO_BASE, "test": 18080, "bench": 19080}
_OTHERS_FROM, _OTHERS_BLOCKS = 20000, 300
_END = 32768 - BLOCK  # from 32768 on Linux hands out ports by itself

# These run beside another instance on purpose, so a variable without their name is not meant for them.
_ONLY_BY_THEIR_OWN_NAME = ("test", "bench")


def variable(port_name: str) -> str:
    """The environment variable that moves a port: GATEWAY_PORT, CONTACT_METRICS_PORT, POSTGRES_PORT…"""
    return f"{port_name.upper()}_PORT"


def prefix(instance: str) -> str:
    return instance.upper().replace("-", "_") + "_"


def listens_to_plain_names(instance: str) -> bool:
    return instance not in _ONLY_BY_THEIR_OWN_NAME


def setting(instance: str, name: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """(variable, value) of a setting for this instance: `TEST_<NAME>` for one instance, `<NAME>` for all but
    `test` and `bench`."""
    for candidate in (prefix(instance) + name, *([name] if listens_to_plain_names(instance) else [])):
        if environment.get(candidate):
            return candidate, environment[candidate]
    return None


def _number(source: str, text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise CannotContinue(f"{source} is {text!r}: set it to a port number from 1024 to 65535.")
    return int(text)


def default_base(instance: str) -> int:
    if instance in _BASES:
        return _BASES[instance]
    digest = int.from_bytes(blake2b(instance.encode(), digest_size=4).digest(), "big")
    return _OTHERS_FROM + BLOCK * (digest % _OTHERS_BLOCKS)


def default_ports(instance: str) -> dict[str, int]:
    base = default_base(instance)
    return {name: base + offset for name, offset in OFFSETS.items()}


def free_ports(instance: str) -> dict[str, int]:
    """The instance's default block, or the next one of which every port is free: beside another clone's tests, say."""
    base = default_base(instance)
    for start in range(base, min(base + 50 * BLOCK, _END), BLOCK):
        block = {name: start + offset for name, offset in OFFSETS.items()}
        if all(is_free(port) for port in block.values()):
            return block
    return default_ports(instance)


def overridden(instance: str, environment: Mapping[str, str]) -> dict[str, int]:
    """Only the ports that the environment names: VENTROS_PORT_BASE moves the block, <NAME>_PORT one port."""
    chosen: dict[str, int] = {}
    if base := setting(instance, "VENTROS_PORT_BASE", environment):
        start = _number(*base)
        chosen = {name: _number(base[0], str(start + offset)) for name, offset in OFFSETS.items()}
    for name in OFFSETS:
        if one := setting(instance, variable(name), environment):
            chosen[name] = _number(*one)
    return chosen


def check_distinct(instance: str, ports: Mapping[str, int]) -> None:
    taken: dict[int, str] = {}
    for name, port in ports.items():
        if port in taken:
            raise CannotContinue(
                f"Port {port} is given twice in instance {instance} ({variable(taken[port])} and {variable(name)}): "
                f"set one of the two to another number."
            )
        taken[port] = name


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as refused:
            if refused.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return False
    return True


def check_free(instance: str, port_name: str, port: int) -> None:
    """Raise one sentence where something else listens on the port already."""
    if is_free(port):
        return
    own = "" if listens_to_plain_names(instance) else prefix(instance)
    holder = _holder(port)
    raise CannotContinue(
        f"Port {port}, which instance {instance} needs for {port_name.replace('_', '-')}, is already taken"
        f"{f' by {holder}' if holder else ''}: stop that program, or choose another port with "
        f"{own}{variable(port_name)}=<port> (all of them: {own}VENTROS_PORT_BASE=<port>)."
    )


def _holder(port: int) -> str:
    """Name and pid of the program that listens on a port, where we may know it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # it has ended meanwhile, or belongs to somebody else
    return ""
