"""CPU seconds and memory by process, as the kernel counts them (/proc/<pid>/stat, /proc/<pid>/smaps_rollup).

Processes are known by the folder of their instance, so that other stacks on the machine are not counted. What Postgres shares among
its processes is counted once: memory is the proportional share (PSS) in megabytes.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from local_stack.instances import Instance

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def cpu_by_name(instance: Instance) -> dict[str, float]:
    """Return CPU seconds so far (user and system, children that ended left out), summed by what the process is."""
    used: dict[str, float] = {}
    for name, folder in processes_of(instance):
        try:
            fields = _fields_after_name(folder)
        except OSError:
            continue
        used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
    return used


def machine_cpu() -> float:
    """Return CPU seconds that all processes of the machine used so far (/proc/stat: user, nice, system, interrupts)."""
    fields = [int(each) for each in (PROC / "stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:7])) / TICKS


def memory_by_name(instance: Instance) -> dict[str, float]:
    """Return megabytes held now (PSS), summed by what the process is."""
    held: dict[str, float] = {}
    for name, folder in processes_of(instance):
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        held[name] = held.get(name, 0.0) + kilobytes / 1024
    return held


def processes_of(instance: Instance) -> Iterator[tuple[str, Path]]:
    """Yield what each process of this instance is (a service's module, postgres, rabbitmq, temporal) and its folder in /proc."""
    here = f"{instance.folder}/"
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            name = _name_of(folder, here)
        except OSError:  # it ended while we looked
            continue
        if name:
            yield name, folder


def _name_of(folder: Path, here: str) -> str | None:
    command = _text(folder / "cmdline")
    program = command.partition(" ")[0].rpartition("/")[2]
    if command.startswith("postgres:"):
        return "postgres" if here in _text(PROC / _fields_after_name(folder)[1] / "cmdline") else None
    if program == "postgres":
        return "postgres" if here in command else None
    if program == "temporal":
        return "temporal" if here in command else None
    if program == "beam.smp":
        return "rabbitmq" if here in command + _text(folder / "environ") else None
    if " -m " in command and here in _text(folder / "environ"):
        return command.split(" -m ")[1].split()[0]
    return None


def _fields_after_name(folder: Path) -> list[str]:
    """Return the fields of `stat` behind the program's name: state, parent, … (proc(5), from the third on)."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def _text(file: Path) -> str:
    return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
