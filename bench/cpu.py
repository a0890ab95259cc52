"""CPU seconds by process, as the kernel counts them (/proc/<pid>/stat: user and system time, children that ended left out)."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_by_name(instance: str) -> dict[str, float]:
    """Return CPU seconds so far of every process that belongs to `.ventros/<instance>`, summed by what it is."""
    used: dict[str, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            environment = (folder / "environ").read_bytes().decode(errors="replace")
            parent = (Path("/proc") / fields[1] / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        name = _name_of(command, parent, environment, instance)
        if name:
            used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
    return used


def _name_of(command: str, parent: str, environment: str, instance: str) -> str | None:
    here = f".ventros/{instance}/"
    if (command.startswith("postgres:") and here in parent) or ("bin/postgres" in command and here in command):
        return "postgres"
    if "beam.smp" in command and here in command + environment:
        return "rabbitmq"
    if " -m " in command and here in environment:
        return command.split(" -m ")[1].split()[0]
    return None
