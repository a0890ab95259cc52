"""How much memory a process holds, as the kernel counts it."""

from pathlib import Path


def resident_mb(pid: int) -> float:
    """Return what it holds now."""
    return _told(pid, "VmRSS")


def most_resident_mb(pid: int) -> float:
    """Return the most that it ever held."""
    return _told(pid, "VmHWM")


def _told(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024
